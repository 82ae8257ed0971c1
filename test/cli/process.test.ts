import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMAND, type CommandOptions, commandEnvironment, runCommand } from '../support/run-command.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, complaints, expectRefusal, OURS } from './refusal.js';
import { DENSE, SENTENCE, TINY, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

/** The seconds of `train`, whose model the other commands read. */
let training: number;

beforeAll(async () => {
  writeTinyData(folder);
  training = await secondsToEnd([
    'train',
    '--data',
    'data',
    ...DENSE,
    ...TINY,
    '--epochs',
    '1',
    '--out',
    'model',
  ]);
});

/** Seconds from the last thing that a command writes to its end. */
function secondsToEnd(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: commandEnvironment() });
    let last = Number.NaN;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', () => {
        last = performance.now();
      });
    }
    child.on('error', reject);
    child.on('exit', (status) => {
      if (status === 0) resolve((performance.now() - last) / 1000);
      else reject(new Error(`${args[0]} ended with ${status}`));
    });
  });
}

it('a command that waits for code of the user, which never ends, fails and says so', () => {
  writeFileSync(join(folder, 'never.mjs'), 'await new Promise(() => {});');
  const result = runCommand(['bench', 'attention', '--contender', 'never.mjs'], { cwd: folder });
  expectRefusal(result, OURS, /^the command waits for a promise that nothing settles$/);
});

describe('the process ends once everything is written:', () => {
  // A process with a timer or a socket waits for minutes; a busy machine may take seconds to end any process.
  const SOON = 30;

  it('train', () => {
    expect(training).toBeLessThan(SOON);
  });

  it.each([
    ['evaluate', ['evaluate', '--model', 'model', '--data', 'data']],
    ['predict', ['predict', '--model', 'model', SENTENCE]],
    ['tag', ['tag', SENTENCE]],
    ['doctor', ['doctor']],
  ])('%s', async (_, args) => {
    expect(await secondsToEnd(args)).toBeLessThan(SOON);
  });
});

describe('standard output', () => {
  it('may be closed by a reader that has seen enough', async () => {
    const child = spawn(process.execPath, [COMMAND, 'tag', SENTENCE, '--json']);
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.skipIf(!existsSync('/dev/full'))('on a full disk is an error of one line (needs /dev/full)', () => {
    expectRefusal(runCommand(['tag', SENTENCE, '--json'], { stdoutTo: '/dev/full' }), OURS, /ENOSPC/);
  });
});

/** The user that runs commands where these tests run as root, who may open every file. */
const OTHER_USER = process.getuid?.() === 0 ? 65_534 : undefined;

function otherUserMayRunIt(): boolean {
  const read = `require('node:fs').accessSync(${JSON.stringify(COMMAND)})`;
  return spawnSync(process.execPath, ['-e', read], { uid: OTHER_USER }).status === 0;
}

describe('standard error', () => {
  // Opening a device hides harmless warnings of Dawn, and must not lose anything else.
  const expectItIsWritten = (options: CommandOptions) => {
    const result = runCommand(['doctor', '--adapter', 'nosuch'], options);
    expect(
      complaints(result, /^(Warning: (maxDynamic|Couldn't load Vulkan: |vkCreateInstance)|\s+at )/),
    ).toEqual([expect.stringMatching(/^parsimony: --adapter: no adapter has "nosuch"/)]);
    expect(result.status).toBe(CALLER);
  };

  it.skipIf(process.platform === 'win32')(
    'shares a file with standard output and with other commands, and none overwrites another',
    () => {
      // Opens a device and prints to both streams.
      const doctor = '"$0" "$1" doctor';
      const script = `(echo before; ${doctor}; echo between >&2; ${doctor} --adapter nosuch; echo after) > log 2>&1`;
      spawnSync('sh', ['-c', script, process.execPath, COMMAND], { cwd: folder, env: commandEnvironment() });
      const lines = readFileSync(join(folder, 'log'), 'utf8').split('\n');
      const expectedLines = [
        'before',
        /^adapter /,
        'between',
        /^parsimony: --adapter: no adapter has "nosuch"/,
        'after',
      ];
      const positions = expectedLines.map((text) => lines.findIndex((line) => line.match(text)?.index === 0));
      expect(positions, lines.join('\n')).toEqual([...positions].sort((a, b) => a - b));
      expect(positions[0]).toBe(0);
      expect(lines.filter((line) => /Warning: (maxDynamic|Couldn't load)|vkCreate|\0/.test(line))).toEqual(
        [],
      );
    },
  );

  it('is written where there is no folder for temporary files', () => {
    expectItIsWritten({ env: { TMPDIR: '/nonexistent' } });
  });

  it.skipIf(process.platform === 'win32' || !otherUserMayRunIt())(
    'is written where it may not be opened a second time, as the terminal of another user under su',
    () => expectItIsWritten({ uid: OTHER_USER, lockedStderr: true }),
  );
});
