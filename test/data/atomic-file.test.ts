import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { checkWritable, writeAtomically } from '../../src/data/files.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = temporaryFolder();

function newFolder(): string {
  return mkdtempSync(join(root, 'case-'));
}

describe.skipIf(process.platform === 'win32')('writeAtomically', () => {
  it('keeps the mode of what it replaces', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, 'old');
    for (const mode of [0o600, 0o664, 0o755]) {
      chmodSync(file, mode);
      await writeAtomically(file, 'new');
      expect(statSync(file).mode & 0o7777).toBe(mode);
    }
  });

  it('follows links, also dangling ones and those through other folders, and leaves them in place', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    writeFileSync(join(folder, 'deep/old'), 'old');
    symlinkSync('deep/old', join(folder, 'relative'));
    symlinkSync(join(folder, 'deep/fresh'), join(folder, 'dangling'));
    symlinkSync('relative', join(folder, 'twice'));
    // "up/.." is deep, not the folder of the link.
    symlinkSync('deep/er', join(folder, 'up'));
    symlinkSync('../above', join(folder, 'deep/er/link'));
    for (const [link, target] of [
      ['relative', 'deep/old'],
      ['dangling', 'deep/fresh'],
      ['twice', 'deep/old'],
      ['up/link', 'deep/above'],
    ]) {
      await checkWritable(join(folder, link));
      await writeAtomically(join(folder, link), link);
      expect(readFileSync(join(folder, target), 'utf8')).toBe(link);
      expect(lstatSync(join(folder, link)).isSymbolicLink()).toBe(true);
    }
    expect(readdirSync(join(folder, 'deep')).sort()).toEqual(['above', 'er', 'fresh', 'old']);
  });

  it('refuses links that lead in a circle, and into folders that are missing', async () => {
    const folder = newFolder();
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    symlinkSync('nowhere/file', join(folder, 'lost'));
    await expect(writeAtomically(join(folder, 'a'), 'new')).rejects.toThrow(/cannot be written \(ELOOP\)/);
    await expect(writeAtomically(join(folder, 'lost'), 'new')).rejects.toThrow(
      /the folder .*nowhere, which does not/,
    );
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'lost']);
  });

  it('writes files whose names are as long as names can be', async () => {
    const file = join(newFolder(), 'n'.repeat(255));
    await writeAtomically(file, 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
    await expect(writeAtomically(`${file}n`, 'new')).rejects.toThrow(
      /\(ENAMETOOLONG\); expected a shorter name/,
    );
  });

  it('writes through pipes', async () => {
    const pipe = join(newFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const read = text(createReadStream(pipe));
    await writeAtomically(pipe, 'through ä');
    expect(await read).toBe('through ä');
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  it('writes through devices, by a link', async () => {
    const link = join(newFolder(), 'link');
    symlinkSync('/dev/null', link);
    await writeAtomically(link, 'gone');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('writes to open files from their current position', async () => {
    const folder = newFolder();
    const script = `
      import { writeAtomically } from ${JSON.stringify(join(import.meta.dirname, '../../dist/src/data/files.js'))};
      process.stdout.write('before ');
      await writeAtomically('/dev/stdout', 'written');
      process.stdout.write(' after');
      await writeAtomically('/dev/fd/3', 'third');
      await writeAtomically('/proc/self/fd/3', ', again');
    `;
    const third = openSync(join(folder, 'third'), 'w');
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', openSync(join(folder, 'out'), 'w'), 'inherit', third],
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('before written after');
    if (existsSync('/proc/self/fd')) expect(readFileSync(join(folder, 'third'), 'utf8')).toBe('third, again');
  });
});
