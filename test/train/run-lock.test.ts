import { type ChildProcess, fork } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CallerError, EngineError } from '../../src/base/errors.js';
import { LOCK_FILE, RunLock, withRunLock } from '../../src/train/run-lock.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = temporaryFolder();
let folders = 0;

function newFolder(): string {
  const folder = join(root, `${++folders}`);
  mkdirSync(folder);
  return folder;
}

it('a run lock is released after the action, whether it succeeds or fails', async () => {
  const folder = newFolder();
  const file = join(folder, LOCK_FILE);
  expect(await withRunLock(folder, async () => existsSync(file))).toBe(true);
  await expect(withRunLock(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(file)).toBe(false);
});

it('a run lock excludes another run of the same process, for any name of the folder', async () => {
  const folder = newFolder();
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  await withRunLock(folder, async () => {
    for (const name of [
      folder,
      `${folder}/`,
      `${folder}/../${folders}`,
      link,
      relative(process.cwd(), folder),
    ]) {
      const refused = withRunLock(name, () => Promise.resolve('trained'));
      await expect(refused).rejects.toThrow(CallerError);
      await expect(refused).rejects.toThrow(`process ${process.pid} on ${hostname()} trains here`);
    }
  });
  expect(await withRunLock(link, () => Promise.resolve('trained'))).toBe('trained');
});

it('a run lock is lost once its file is removed or replaced, and leaves a new file', async () => {
  for (const replaced of [false, true]) {
    const folder = newFolder();
    const file = join(folder, LOCK_FILE);
    const lock = await RunLock.acquire(folder);
    await lock.check();
    if (replaced) {
      writeFileSync(`${file}2`, 'another');
      renameSync(`${file}2`, file);
    } else rmSync(file);
    await expect(lock.check()).rejects.toThrow(EngineError);
    await expect(lock.check()).rejects.toThrow(/process\.lock: was removed during a run/);
    await lock.release();
    expect(existsSync(file)).toBe(replaced);
  }
  const folder = newFolder();
  const lock = await RunLock.acquire(folder);
  rmSync(folder, { recursive: true });
  await expect(lock.check()).rejects.toThrow(`${folder}: the folder was removed during a run`);
  await lock.release();
});

/** Takes the lock of each folder that it receives, and records when it holds it. */
const PROCESS = `
  import { appendFileSync } from 'node:fs';
  import { withRunLock } from ${JSON.stringify(join(import.meta.dirname, '../../dist/src/train/run-lock.js'))};
  process.on('message', async ({ folder, forever }) => {
    const inside = async () => {
      appendFileSync(folder + '.log', 'in\\n');
      if (forever) process.send('inside');
      await new Promise((resolve) => setTimeout(resolve, forever ? 1e6 : 5));
      appendFileSync(folder + '.log', 'out\\n');
    };
    process.send(await withRunLock(folder, inside).then(() => 'went in', ({ message }) => message));
  });
  process.send('ready');
`;

describe('of processes that start together', () => {
  const PROCESSES = 4;
  const ROUNDS = 20;
  const children: ChildProcess[] = [];

  const answer = (child: ChildProcess) => new Promise<string>((resolve) => child.once('message', resolve));

  beforeAll(async () => {
    const script = join(root, 'process.mjs');
    writeFileSync(script, PROCESS);
    for (let index = 0; index < PROCESSES; index++) children.push(fork(script));
    await Promise.all(children.map(answer));
  });

  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  it.each([
    ['a fresh folder', undefined],
    ['a folder with the lock of a process that was killed', `999999 ${hostname()}`],
  ])('at most one at a time is inside %s', async (_, left) => {
    for (let round = 0; round < ROUNDS; round++) {
      const folder = newFolder();
      if (left !== undefined) writeFileSync(join(folder, LOCK_FILE), left);
      const answers = children.map(answer);
      for (const child of children) child.send({ folder });
      const lines = await Promise.all(answers);
      expect(lines).toContain('went in');
      for (const line of lines) expect(line).toMatch(/^went in$|trains here; expected one process a folder/);
      expect(readFileSync(`${folder}.log`, 'utf8')).toMatch(/^(in\nout\n)+$/);
    }
  });

  it('one that is killed releases the folder at once', async () => {
    const folder = newFolder();
    appendFileSync(`${folder}.log`, '');
    const child = children.pop()!;
    const inside = answer(child);
    child.send({ folder, forever: true });
    expect(await inside).toBe('inside');
    await expect(withRunLock(folder, () => Promise.resolve('trained'))).rejects.toThrow(
      `process ${child.pid} on`,
    );
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(await withRunLock(folder, () => Promise.resolve('trained'))).toBe('trained');
  });
});
