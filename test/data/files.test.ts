import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { CallerError, EngineError } from '../../src/base/errors.js';
import { checkWritable, createFolder, readText, removeFile, writeAtomically } from '../../src/data/files.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = temporaryFolder();
let folders = 0;
let folder: string;
let file: string;

beforeEach(() => {
  folder = join(root, `${++folders}`);
  mkdirSync(folder);
  file = join(folder, 'content');
  writeFileSync(file, 'old');
});

async function errorOf(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Expects an error of one line that names a file and a remedy, and that nothing in the folder has changed. */
async function expectUntouched(
  action: () => Promise<unknown>,
  path: string,
  [kind, says]: [typeof CallerError | typeof EngineError, RegExp],
): Promise<void> {
  const before = readdirSync(folder);
  const error = await errorOf(action);
  expect(error).toBeInstanceOf(kind);
  const { message } = error as Error;
  expect(message.slice(0, `${path}: cannot be written (`.length)).toBe(`${path}: cannot be written (`);
  expect(message).toMatch(says);
  expect(readdirSync(folder)).toEqual(before);
  expect(readFileSync(file, 'utf8')).toBe('old');
}

/** Runs an action without the rights of root, who may write everywhere. */
async function withoutPrivileges(action: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return action();
  process.seteuid!(65_534);
  try {
    await action();
  } finally {
    process.seteuid!(0);
  }
}

/** Content whose second half fails. */
async function* broken(): AsyncGenerator<string> {
  yield 'half';
  throw new Error('no second half');
}

describe('writeAtomically', () => {
  it.each([
    ['text', 'new ä\n', Buffer.from('new ä\n')],
    ['bytes', Uint8Array.of(0, 255, 10), Buffer.of(0, 255, 10)],
    ['nothing', '', Buffer.of()],
  ])('replaces a file by %s, and leaves nothing beside it', async (_, content, expected) => {
    await writeAtomically(file, content);
    expect(readFileSync(file)).toEqual(expected);
    expect(readdirSync(folder)).toEqual(['content']);
  });

  it('creates a file that was not there', async () => {
    await writeAtomically(join(folder, 'another'), 'new');
    expect(readFileSync(join(folder, 'another'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['another', 'content']);
  });

  it('leaves the old content where the new one fails half-way', async () => {
    await expectUntouched(() => writeAtomically(file, broken() as unknown as string), file, [
      EngineError,
      /no second/,
    ]);
  });

  it('leaves no file where there was none and the content fails', async () => {
    const another = join(folder, 'another');
    await expectUntouched(() => writeAtomically(another, broken() as unknown as string), another, [
      EngineError,
      /no second/,
    ]);
  });

  it.skipIf(process.platform === 'win32')(
    'leaves the old content where the folder is read-only',
    async () => {
      chmodSync(root, 0o755);
      // Writing into the file itself would succeed.
      chmodSync(file, 0o666);
      chmodSync(folder, 0o555);
      try {
        const says = /\(EACCES\); expected permission to write there; change the permissions/;
        await withoutPrivileges(() =>
          expectUntouched(() => writeAtomically(file, 'new'), file, [CallerError, says]),
        );
      } finally {
        chmodSync(folder, 0o755);
      }
    },
  );

  it('leaves a folder of that name unchanged', async () => {
    const taken = join(folder, 'taken');
    mkdirSync(join(taken, 'inside'), { recursive: true });
    const says = /\(EISDIR\); expected a file, where a folder has this name; choose another name$/;
    await expectUntouched(() => writeAtomically(taken, 'new'), taken, [CallerError, says]);
    await expectUntouched(() => checkWritable(taken), taken, [CallerError, says]);
    expect(readdirSync(taken)).toEqual(['inside']);
  });

  it('reports a missing folder', async () => {
    const lost = join(folder, 'nowhere', 'content');
    const says =
      /\(ENOENT\); expected the folder .*nowhere, which does not exist; create it, or choose another/;
    await expectUntouched(() => writeAtomically(lost, 'new'), lost, [CallerError, says]);
    await expectUntouched(() => checkWritable(lost), lost, [CallerError, says]);
    const below = join(file, 'content');
    await expectUntouched(() => writeAtomically(below, 'new'), below, [
      CallerError,
      /where a file has this name/,
    ]);
    await expectUntouched(() => checkWritable(below), below, [CallerError, /where a file has this name/]);
  });
});

describe('createFolder', () => {
  it('creates a missing folder, and accepts an existing one', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    await createFolder(deep);
    await createFolder(deep);
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['c']);
  });

  it("reports a file of that name as the caller's mistake", async () => {
    for (const path of [file, join(file, 'below')]) {
      const error = await errorOf(() => createFolder(path));
      expect(error).toBeInstanceOf(CallerError);
      expect((error as CallerError).message).toContain(`${path}: cannot be created`);
    }
    expect(readFileSync(file, 'utf8')).toBe('old');
  });
});

describe('removeFile', () => {
  it('removes a file, and accepts that it is missing', async () => {
    await removeFile(file);
    await removeFile(file);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not remove a folder', async () => {
    mkdirSync(join(folder, 'inside'));
    expect(await errorOf(() => removeFile(join(folder, 'inside')))).toBeInstanceOf(EngineError);
    expect(readdirSync(folder)).toContain('inside');
  });
});

describe('readText', () => {
  it('reads a file, and reports a missing one as a mistake of the caller', async () => {
    expect(await readText(file)).toBe('old');
    const error = await errorOf(() => readText(join(folder, 'nowhere'), 'a rules file'));
    expect(error).toBeInstanceOf(CallerError);
    expect((error as CallerError).message).toMatch(
      /nowhere: cannot be read \(ENOENT\); expected a rules file$/,
    );
  });
});
