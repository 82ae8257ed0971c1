import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';

/** Functions that may write, by the position of the path among their arguments. */
const WRITERS: Readonly<Record<string, number>> = {
  writeFile: 0,
  appendFile: 0,
  mkdir: 0,
  rm: 0,
  rmdir: 0,
  unlink: 0,
  rename: 1,
  copyFile: 1,
  symlink: 1,
  link: 1,
  truncate: 0,
};

/** Makes every write outside a folder throw and be reported, until the process ends. */
export function allowWritesOnlyIn(folder: string, onViolation: (path: string) => void): void {
  const inside = resolve(folder);
  const check = (path: unknown) => {
    const target = resolve(String(path));
    if (target === inside || target.startsWith(inside + sep)) return;
    onViolation(target);
    throw new Error(`written outside the sandbox: ${target}`);
  };
  const guard = (owner: object, name: string, at: number) => {
    const original = Reflect.get(owner, name);
    if (typeof original !== 'function') return;
    const guarded = (...args: unknown[]) => {
      check(args[at]);
      return Reflect.apply(original, owner, args);
    };
    Reflect.set(owner, name, guarded);
  };
  for (const [name, at] of Object.entries(WRITERS)) {
    guard(fs, name, at);
    guard(fs, `${name}Sync`, at);
    guard(fs.promises, name, at);
  }
  for (const owner of [fs, fs.promises]) guardOpen(owner, check);
  syncBuiltinESMExports();
}

/** Opening a file writes if its flags say so. */
function guardOpen(owner: object, check: (path: unknown) => void): void {
  for (const name of ['open', 'openSync']) {
    const original = Reflect.get(owner, name);
    if (typeof original !== 'function') continue;
    const guarded = (...args: unknown[]) => {
      if (typeof args[1] === 'string' && !/^rs?$/.test(args[1])) check(args[0]);
      return Reflect.apply(original, owner, args);
    };
    Reflect.set(owner, name, guarded);
  }
}
