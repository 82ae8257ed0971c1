import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentedCommands } from '../support/documented-commands.js';
import { type CommandResult, runCommand } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';

/** The commands that a help lists, without `help`. */
function commandsIn({ stdout }: CommandResult): string[] {
  const list = stdout.split('\nCommands:\n')[1] ?? '';
  return [...list.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name).filter((name) => name !== 'help');
}

/** The help of every command and subcommand, by what is typed for it. */
const HELPS = new Map<string, CommandResult>();

async function collect(...path: string[]): Promise<void> {
  const result = await runHere([...path, '--help']);
  HELPS.set(path.join(' '), result);
  for (const command of commandsIn(result)) await collect(...path, command);
}

await collect();

describe('help', () => {
  it('lists the commands', () => {
    expect([...HELPS.keys()]).toEqual(
      expect.arrayContaining(['', 'demo', 'train', 'evaluate', 'predict', 'tag', 'doctor']),
    );
  });

  it.each([...HELPS])(
    'of "%s" ends well, with an example of that command',
    (path, { status, stdout, stderr }) => {
      expect(status).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toContain(`Usage: parsimony ${path}`);
      const isList = commandsIn(HELPS.get(path)!).length > 0;
      if (!isList)
        expect(stdout.split('\nExample:\n')[1]).toMatch(new RegExp(`^  \\$ parsimony ${path}( |\n)`));
    },
  );

  it.each([...HELPS])('of "%s" has choices and defaults in one style', (_, { stdout }) => {
    expect(stdout).not.toMatch(/choices: "|default: ["[]/);
  });

  it('is the same from a separate process', () => {
    const { status, stdout, stderr } = runCommand(['train', '--help']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: HELPS.get('train')!.stdout, stderr: '' });
  });

  it('is printed for a command line without a command, which is refused', async () => {
    const { status, stdout, stderr } = await runHere([]);
    expect(status).toBe(CALLER);
    expect(stdout).toBe('');
    expect(stderr).toContain('Usage: parsimony');
  });
});

describe('the help of train', () => {
  it('has its flags in groups, with choices and defaults in one style', () => {
    const { stdout } = HELPS.get('train')!;
    for (const group of [
      'Data',
      'Attention',
      'Model',
      'Training',
      'Optimizer',
      'Evaluation',
      'Device',
      'Run',
    ])
      expect(stdout).toContain(`\n${group}:\n`);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      'how rules act on attention (one of: none, hard, soft, guided, learned; default: none)',
    );
    expect(text).toContain('(env: PARSIMONY_ADAPTER)');
  });
});

describe('--json', () => {
  const cwd = temporaryFolder();

  it('has one meaning in all commands', () => {
    const flags = [...HELPS.values()].flatMap(({ stdout }) => stdout.match(/^ +--json.*$/gm) ?? []);
    expect(flags.length).toBeGreaterThan(15);
    expect(new Set(flags.map((flag) => flag.replace(/\s+/g, ' ').slice(0, 40))).size).toBe(1);
  });

  it('writes a file or standard output, and leaves words that name no file to the command', async () => {
    const printed = await runHere(['tag', '--json', 'it is .'], { cwd });
    const written = await runHere(['tag', '--json', 'out.json', 'it is .'], { cwd });
    expect(JSON.parse(readFileSync(join(cwd, 'out.json'), 'utf8'))).toEqual(JSON.parse(printed.stdout));
    expect(written.stdout, 'the text, as without the flag').toBe((await runHere(['tag', 'it is .'])).stdout);
    expect(written.stderr).toBe('written: out.json\n');
  });

  it.each(['tag it', 'bench attention', 'doctor', 'rules show paper'])(
    'is refused at once where the file cannot be written: %s',
    async (command) => {
      const result = await runHere([...command.split(' '), '--json', 'missing/out.json'], { cwd });
      expectRefusal(
        result,
        CALLER,
        /^missing\/out\.json: cannot be written .*the folder missing, which does not/,
      );
    },
  );
});

it('README and docs use only flags that their commands have', () => {
  const lines = documentedCommands().filter((line) => line.startsWith('parsimony '));
  expect(lines.length).toBeGreaterThan(40);
  for (const line of lines) {
    const words = line.split(' ').slice(1);
    const path = [words.slice(0, 2).join(' '), words[0]].find((name) => HELPS.has(name));
    expect(path, line).toBeDefined();
    for (const flag of line.match(/--[a-z-]+/g) ?? []) {
      expect(HELPS.get(path!)!.stdout, line).toMatch(new RegExp(`${flag}[ ,\\n]`));
    }
  }
});

/** Flags whose values are numbers, by what their help calls them. */
const NUMERIC =
  /^ +(--[\w-]+) <(accuracy|count|evaluations|number|probability|rate|seconds|share|size|steps|tokens)>/gm;

it('every numeric flag refuses NaN before anything else, with its name, the value and the range', async () => {
  const flags = [...HELPS].flatMap(([path, { stdout }]) =>
    [...stdout.matchAll(NUMERIC)].map(([, flag]) => [...path.split(' '), flag]),
  );
  expect(flags.length).toBeGreaterThan(50);
  for (const words of flags) {
    const says = new RegExp(`^option '${words.at(-1)} <\\w+>' argument 'NaN' is invalid\\. expected .+`);
    expectRefusal(await runHere([...words, 'NaN']), CALLER, says);
  }
});

it.each([
  ['rules prune --density 7', 'a number above 0, 1 at most'],
  ['rules predict paper --layers 1025', 'a whole number from 1 to 1024'],
  ['tune --head-dims 64,12', 'a list of multiples of 4 from 16 to 128'],
  ['bench attention --seconds 1.5', 'a whole number from 0 to 86400'],
  ['bench step --batch 70000', 'a whole number from 1 to 65536'],
  ['bench peers --timeout 2147484', 'a whole number from 1 to 2000000'],
  ['profile --steps 0', 'a whole number from 1 to 1000'],
  ['profile --batch 1000000000', 'a whole number from 1 to 65536'],
  ['train --epochs 1e9', 'a whole number from 1 to 1000000'],
  ['train --batch-size 1e18', 'a whole number from 1 to 65536'],
  ['experiment --jobs 1e9', 'a whole number from 1 to 1024'],
  ['bench gpu --minutes 1e9', 'a whole number from 1 to 10080'],
  ['train --initializer-range -1', 'a number of 0 or more, of 32 bits'],
])('is refused: %s', async (line, range) => {
  expectRefusal(await runHere(line.split(' ')), CALLER, new RegExp(`is invalid\\. expected ${range}$`, 'm'));
});

it.each(['bench step', 'profile'])(
  '%s refuses a shape that kernels cannot run before it measures',
  async (command) => {
    const { status, stderr } = await runHere([...command.split(' '), '--hidden', '100', '--heads', '3']);
    expect(status).toBe(CALLER);
    expect(stderr).toMatch(/^parsimony: model configuration: hidden size 100 over 3 heads/);
  },
);

it('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(await runHere(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
});

describe('a command line is refused', () => {
  const folder = temporaryFolder();
  const training = ['train', '--data', 'embedded', '--out', 'out'];

  it.each([
    ['with an unknown command', ['trian'], /^unknown command 'trian'; did you mean train\?$/m],
    ['with an unknown flag', ['doctor', '--verbose'], /unknown option '--verbose'$/m],
    [
      'with a misspelt flag',
      [...training, '--epoch', '1'],
      /^unknown option '--epoch'; did you mean --epochs\?$/m,
    ],
    ['with a misspelt choice', [...training, '--strategy', 'hrad'], /'hrad' .*; did you mean hard\?$/m],
    [
      'with a misspelt preset',
      ['tag', 'it', '--rules', 'papre'],
      /^papre: cannot be read .*; did you mean paper\?$/m,
    ],
    [
      'with a page in a format that is not written',
      ['explain', 'it', '--out', 'page.pdf'],
      /'page\.pdf' is invalid\. expected a name that ends in \.html or \.htm or \.svg$/m,
    ],
    [
      'with a report in a format that is not written',
      ['report', 'a.json', '--out', 'page.png'],
      /'page\.png' is invalid\. expected a name that ends in \.html or \.htm$/m,
    ],
    [
      'with a picture in a format that is not written',
      ['experiment', 'embedded', '--table', '--svg', 'picture.png'],
      /'picture\.png' is invalid\. expected a name that ends in \.svg$/m,
    ],
    ['with an argument too many', ['tag', 'one', 'two'], /too many arguments for 'tag'/],
    ['without a text', ['predict', '--model', 'm'], /missing required argument 'text'/],
    ['without --model', ['predict', 'it'], /required option '--model <folder>' not specified/],
    ['without --out', ['train', '--data', 'embedded'], /required option '--out <folder>' not specified/],
    ['without --data', ['train', '--out', 'out'], /required option '--data <source>' not specified/],
    ['with a flag that lacks its value', [...training, '--seed'], /'--seed <number>' argument missing/],
    [
      'with a word for a count',
      [...training, '--epochs', 'two'],
      /'--epochs .* 'two'.*expected a whole number from 1 to 1000000$/m,
    ],
    [
      'with a negative count',
      [...training, '--epochs', '-1'],
      /'-1'.*expected a whole number from 1 to 1000000$/m,
    ],
    ['with a fraction for a count', [...training, '--batch', '1.5'], /'--batch .* '1\.5'.*whole number/],
    [
      'with a count below 0',
      [...training, '--seed', '-1'],
      /'--seed .* '-1'.*whole number from 0 to 2³² - 1$/m,
    ],
    [
      'with a word for a number',
      [...training, '--learning-rate', 'fast'],
      /'--learning-rate .* 'fast'.*expected a positive number/,
    ],
    ['with nothing for a number', [...training, '--beta', ' '], /'--beta .* ' '.*expected a number/],
    [
      'with an infinite number',
      [...training, '--lr', '1e999'],
      /'--lr .* '1e999'.*expected a positive number/,
    ],
    ['with an unknown schedule', [...training, '--schedule', 'step'], /'step'.* linear, cosine, constant/],
    [
      'with an unknown metric',
      [...training, '--best-by', 'recall'],
      /'recall'.* accuracy, f1, matthews, loss/,
    ],
    [
      'with settings for a run that has its own',
      ['train', '--resume', 'runs', '--epochs', '4'],
      /option '--epochs' cannot be used with option '--resume <folder>'/,
    ],
    [
      'with another folder than that of the run',
      ['train', '--out', 'out', '--resume', 'runs'],
      /option '--out' cannot be used with option '--resume <folder>'/,
    ],
    [
      'with an unknown strategy',
      [...training, '--strategy', 'hardest'],
      /'hardest'.* none, hard, soft, guided/,
    ],
    [
      'with an unknown split',
      ['evaluate', '--model', 'm', '--data', 'embedded', '--split', 'all'],
      /'all'.* train, dev, test/,
    ],
  ])('%s', async (_, args, says) => {
    expectRefusal(await runHere(args, { cwd: folder }), CALLER, says);
    expect(readdirSync(folder)).toEqual([]);
  });
});
