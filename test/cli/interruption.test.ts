import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMAND, commandEnvironment } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal, OURS } from './refusal.js';
import { contentOf, DENSE, TINY, trainedModel, trainTiny, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

/** Thirty-six steps: long enough for a signal to arrive before the last one. */
const RUN = ['--lr', '1e-2', '--epochs', '12', '--evaluate-every', '9'];

const COMMAND_LINE = ['train', '--data', 'data', ...DENSE, ...TINY, ...RUN];

beforeAll(async () => {
  writeTinyData(folder);
  await trainedModel(folder, 'finished');
});

interface Ended {
  status: number | null;
  stderr: string;
}

/** Runs the command, and sends it a signal after it has reported its first epoch. */
function signalled(out: string, signal: NodeJS.Signals): Promise<Ended> {
  const child = spawn(process.execPath, [COMMAND, ...COMMAND_LINE, '--out', out], {
    cwd: folder,
    env: commandEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  let sent = false;
  child.stderr.on('data', (text) => {
    stderr += text;
    if (sent || !/^epoch 1: /m.test(stderr)) return;
    sent = true;
    // Twice in quick succession, as from a terminal and from npx.
    child.kill(signal);
    child.kill(signal);
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stderr })));
}

/** The same in this process, which has compiled the kernels: its handler of the signal is called. */
async function signalledHere(out: string, signal: NodeJS.Signals): Promise<Ended> {
  const others = process.listenerCount(signal);
  const watch = setInterval(() => {
    if (!statSync(join(folder, out, 'metrics.jsonl'), { throwIfNoEntry: false })?.size) return;
    clearInterval(watch);
    for (const handle of process.listeners(signal).slice(others)) {
      handle(signal);
      handle(signal);
    }
  }, 2);
  const ended = await runHere([...COMMAND_LINE, '--out', out], { cwd: folder });
  clearInterval(watch);
  return ended;
}

function weightsOf(out: string): string[] {
  return ['model.safetensors', 'last.safetensors'].map((name) =>
    createHash('sha256')
      .update(readFileSync(join(folder, out, name)))
      .digest('hex'),
  );
}

describe('a training run', () => {
  beforeAll(async () => {
    expect((await runHere([...COMMAND_LINE, '--out', 'undisturbed'], { cwd: folder })).status).toBe(0);
  });

  it.each([
    ['SIGINT', 130, signalled],
    ['SIGTERM', 143, signalledHere],
  ] as const)(
    'that is signalled by %s ends with a checkpoint, and the command that it prints continues to the same bytes',
    async (signal, status, send) => {
      const out = `it's ${signal}`;
      const ended = await send(out, signal);
      expect(ended.status, ended.stderr).toBe(status);
      const lines = ended.stderr.trimEnd().split('\n');
      const says = /^parsimony: the run was interrupted after step \d+ of 36; continue with: parsimony (.+)$/;
      const [, args] = says.exec(lines.at(-1)!) ?? [];
      expect(args, ended.stderr).toBe(`train --resume 'it'\\''s ${signal}'`);
      expect(ended.stderr).not.toMatch(/^ +at /m);
      expect(Object.keys(contentOf(join(folder, out)))).toContain(
        join(folder, out, 'checkpoint.safetensors'),
      );
      const resumed = await runHere(['train', '--resume', out], { cwd: folder });
      expect(resumed.status, resumed.stderr).toBe(0);
      expect(weightsOf(out)).toEqual(weightsOf('undisturbed'));
    },
  );

  it('whose reader closes early trains to its end', async () => {
    const script = '{ "$0" "$@" 2>&1; echo "status $?" >status; } | head -1';
    const child = spawn('sh', ['-c', script, process.execPath, COMMAND, ...COMMAND_LINE, '--out', 'read'], {
      cwd: folder,
      env: commandEnvironment(),
      stdio: 'ignore',
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(readFileSync(join(folder, 'status'), 'utf8')).toBe('status 0\n');
    expect(weightsOf('read')).toEqual(weightsOf('undisturbed'));
  });
});

/** What a folder holds, and the files of it that --force leaves. */
const EXISTING: [string, (out: string) => void, string[]][] = [
  ['a finished run', (out) => cpSync(join(folder, 'finished'), out, { recursive: true }), []],
  [
    'a Hugging Face checkpoint',
    (out) => {
      for (const name of ['config.json', 'pytorch_model.bin', 'tokenizer.json', 'vocab.txt'])
        writeFileSync(join(out, name), name);
    },
    [],
  ],
  ['a file of the user', (out) => writeFileSync(join(out, 'thesis.tex'), 'of years'), ['thesis.tex']],
];

describe('train --out', () => {
  it.each(EXISTING)(
    'of a folder with %s is refused, and with --force starts there',
    async (what, fill, stays) => {
      const name = what.replaceAll(' ', '-');
      const out = join(folder, name);
      mkdirSync(out);
      fill(out);
      const before = contentOf(out);
      const args = ['--epochs', '1', '--seed', '5', '--out', name];
      const says = new RegExp(`^${name}: holds .*; expected a folder that is empty.* --force$`);
      expectRefusal(await trainTiny(folder, args), CALLER, says);
      expect(contentOf(out)).toEqual(before);

      // Runs that fail before their first step.
      for (const [flags, status] of [
        [['--dev', 'missing.tsv'], CALLER],
        [['--heads', '3'], CALLER],
        [['--hidden', '1000000000'], CALLER],
        [['--adapter', 'nosuch'], CALLER],
        [['--lr', '1e30', '--clip', '0', '--initial-deviation', '1e30'], OURS],
      ] as const) {
        const failed = await trainTiny(folder, [...args, '--force', ...flags]);
        expect(failed.status, `${flags.join(' ')}: ${failed.stderr}`).toBe(status);
        expect(contentOf(out), flags.join(' ')).toEqual(before);
      }

      const forced = await trainTiny(folder, [...args, '--force']);
      expect(forced.status, forced.stderr).toBe(0);
      const after = contentOf(out);
      for (const file of stays) expect(after[join(out, file)]).toBe(before[join(out, file)]);
      expect(after[join(out, 'last.safetensors')]).toBeDefined();
      expect(after[join(out, 'pytorch_model.bin')]).toBeUndefined();
    },
  );
});
