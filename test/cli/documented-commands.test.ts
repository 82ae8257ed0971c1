import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentedCommands } from '../support/documented-commands.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ROOT = join(import.meta.dirname, '../..');

/** Commands that need neither a device nor a model: they run here as they are typed. */
const HERE = [
  /^parsimony tag /,
  /^parsimony rules (show|diff|predict) /,
  /^parsimony explain "the [^"]*" --out \S+$/,
];

/** Commands that another test runs on a smaller input, by that test. */
const ELSEWHERE: readonly (readonly [command: RegExp, test: string])[] = [
  [/^parsimony train --resume /, 'test/cli/resume.test.ts'],
  [/^parsimony train --task mlm |^parsimony train --init runs\/pretrained /, 'test/train/mlm.test.ts'],
  [/^parsimony train .*--find-lr/, 'test/train/rate-sweep.test.ts'],
  [/^parsimony completion /, 'test/cli/completion.test.ts'],
  [/^parsimony train --data embedded .*--out /, 'test/cli/train.test.ts'],
  [/^parsimony train --data reviews.csv /, 'test/cli/data-files.test.ts'],
  [/^parsimony train --data blimp:/, 'test/cli/blimp.test.ts'],
  [/^parsimony (evaluate|predict) /, 'test/cli/evaluate-predict.test.ts'],
  [/^parsimony explain .* --model /, 'test/cli/explain.test.ts'],
  [/^parsimony explain "\$\(cat /, 'test/report/explain-page.test.ts'],
  [/^parsimony experiment /, 'test/cli/experiment.test.ts'],
  [/^parsimony report /, 'test/cli/report.test.ts'],
  [/^parsimony rules /, 'test/cli/rules.test.ts'],
  [/^parsimony doctor( --json)?$/, 'test/cli/doctor.test.ts'],
  [/^parsimony tune$/, 'test/cli/tune.test.ts'],
  [/^parsimony bench attention --labels /, 'test/bench/label-layouts.test.ts'],
  [/^(parsimony|npm run) bench( --)? attention|^npm run bench -- attention/, 'test/cli/bench.test.ts'],
  [/^parsimony (bench (step|growth)|profile) /, 'test/cli/bench.test.ts'],
  [/^parsimony bench predict /, 'test/bench/schedule-model.test.ts'],
  [/bench (-- )?compare /, 'test/bench/statistics.test.ts'],
  [/^vite (build )?browser$/, 'test/browser-entry.test.ts'],
  [/^node examples\/NAME\.mjs$/, 'test/readme.test.ts'],
  [/^node scripts\/settings-docs\.mjs$/, 'test/train/settings.test.ts'],
  [/^parsimony train --help$/, 'test/cli/flags.test.ts'],
  [/^npm run kernels/, 'test/kernels/compile.test.ts'],
  [/^npm run fuzz$/, 'test/fuzz/quick.test.ts'],
  [/^npm run mutate$/, 'test/mutations/mutations.test.ts'],
  [/^npm run (typecheck|lint|format)$/, 'test/architecture.test.ts'],
];

/** Commands that no test runs, with the reason. */
const BY_HAND: readonly (readonly [command: RegExp, reason: string])[] = [
  [/^(parsimony demo|npm start)/, 'minutes: it trains three models'],
  [/^npm run playground/, 'minutes: it trains a model; CI builds the site with one'],
  [/^parsimony bench (gpu|limits)/, 'minutes, and a GPU; CI runs `bench gpu --quick`'],
  [/^parsimony bench peers/, 'network: it installs other libraries'],
  [/^npm run docs$/, 'network: it installs TypeDoc; CI runs it'],
  [/^npm (install|ci)/, 'network; CI begins with it'],
  [/^npm run test:cluster/, 'minutes, and Redis; CI runs two grids of it'],
  [/^(export PARSIMONY_QUEUE|parsimony worker --queue )/, 'the user’s Redis'],
  [/^npm test|^npm run (build|conformance)$/, 'it runs these tests, or must run before them'],
  [
    /^deno run -A/,
    'Deno is not installed where the tests run; docs/runtimes.md has the version that was tried',
  ],
  [/^npm run bench$/, 'it lists the benchmarks, as `bench --help` does'],
];

const commands = documentedCommands();
/** "path/to/data" and "FILE" are for the reader to replace. */
const isHere = (command: string) =>
  HERE.some((pattern) => pattern.test(command)) && !/path\/to|[A-Z]{4}/.test(command.replace(/"[^"]*"/g, ''));

/** The words of a line: the command, its subcommands and its flags. */
function wordsOf(line: string): string[] {
  return line.replace(/^npm run (bench)( --)?/, 'parsimony $1').match(/"[^"]*"|\S+/g)!;
}

/** The commands of the program that are documented, as "bench attention", with the flags that each is given anywhere. */
function documentedFlags(): Map<string, Set<string>> {
  const GROUPS = ['bench', 'rules'];
  const flags = new Map<string, Set<string>>();
  for (const line of commands) {
    const [program, first, second, ...rest] = wordsOf(line);
    if (program !== 'parsimony' || !first || first.startsWith('-')) continue;
    const name = GROUPS.includes(first) && second ? `${first} ${second}` : first;
    const given = flags.get(name) ?? new Set();
    for (const word of [second, ...rest]) if (word?.startsWith('--')) given.add(word.replace(/=.*/, ''));
    flags.set(name, given);
  }
  return flags;
}

it.each([...documentedFlags()])('has the flags that are documented: parsimony %s', async (name, flags) => {
  const { status, stdout } = await runHere([...name.split(' '), '--help']);
  expect(status).toBe(0);
  // The help of an unknown subcommand is that of its group.
  expect(stdout).toContain(`Usage: parsimony ${name}`);
  const known = new Set(stdout.match(/--[a-z][\w-]*/g));
  expect([...flags].filter((flag) => !known.has(flag))).toEqual([]);
});

it('every documented command is run by a test, or listed with a reason', () => {
  const patterns = [...ELSEWHERE, ...BY_HAND];
  const unknown = commands.filter(
    (line) => !isHere(line) && !patterns.some(([pattern]) => pattern.test(line)),
  );
  expect(unknown).toEqual([]);
  for (const [pattern] of patterns)
    expect(
      commands.some((line) => pattern.test(line)),
      `${pattern}`,
    ).toBe(true);
  for (const [, test] of ELSEWHERE) expect(existsSync(join(ROOT, test)), test).toBe(true);
});

/** The lines that git prints. */
function git(...args: string[]): string[] {
  return spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
}

describe.skipIf(!existsSync(join(ROOT, '.git')))('git, and the linter that follows it', () => {
  it('ignore what documented commands write into a clone, and the data and rules of users', () => {
    const tracked = new Set(git('ls-files'));
    const files = commands
      .filter((line) => !line.startsWith('node '))
      .flatMap((line) => {
        const words = line.match(/"[^"]*"|\S+/g)!;
        return words.filter((word, at) => {
          const isFile =
            /^[\w./-]+\.(json|jsonl|html|csv|tsv|svg|mjs)$/.test(word) || words[at - 1] === '--out';
          return isFile && !word.startsWith('/') && !tracked.has(word);
        });
      });
    const written = [...new Set(files)].sort();
    for (const file of ['report.html', 'attention.json', 'predictions.csv', 'pairs.svg', 'runs/hard'])
      expect(written).toContain(file);
    expect(git('check-ignore', ...written).sort()).toEqual(written);
  });

  it('ignore no file of the project', () => {
    expect(git('ls-files', '--cached', '--ignored', '--exclude-standard')).toEqual([]);
  });
});

const folder = temporaryFolder();

it.each(commands.filter(isHere))('runs as it is documented: %s', async (line) => {
  const [, ...args] = line.match(/"[^"]*"|\S+/g)!.map((word) => word.replace(/^"|"$/g, ''));
  const { status, stdout, stderr } = await runHere(args, { cwd: folder });
  expect(status, stderr).toBe(0);
  expect(stdout + stderr).not.toBe('');
});
