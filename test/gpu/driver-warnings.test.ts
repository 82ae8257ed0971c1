import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../support/run-command.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MODULE = pathToFileURL(join(COMMAND, '../../gpu/driver-warnings.js')).href;
const LIBRARY = pathToFileURL(join(COMMAND, '../../index.js')).href;

/** Lines of Dawn as it writes them, past `process.stderr`, and others around them. */
const HARMLESS = ['Uniform', 'Storage'].map(
  (kind) => `Warning: maxDynamic${kind}BuffersPerPipelineLayout artificially reduced from 500000 to 16`,
);
const AT = '    at operator() (/third_party/dawn/src/dawn/native/vulkan/BackendVk.cpp:368)';
const NO_LOADER = ["Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file", AT, ''];
const NO_DRIVER = [
  'Warning: vkCreateInstance: Found no drivers!',
  'Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER',
  AT,
  '',
];
const OTHER = ['Warning: something else', AT, ''];
const WRITTEN = [
  ...['first', HARMLESS[0], ...OTHER, HARMLESS[1], ...NO_LOADER, ...NO_DRIVER],
  ...['', `no ${HARMLESS[0]}`, 'last'],
];
const EXPECTED = ['before', 'first', ...OTHER, '', `no ${HARMLESS[0]}`, 'last', 'after'];

/** The lines of standard error, a file, after an action wrote these lines and then ran `ending`. */
function writtenBy(file: string, ending: string): string[] {
  const lines = (texts: string[]) => JSON.stringify(texts.map((text) => `${text}\n`).join(''));
  const script = `
    import { writeSync } from 'node:fs';
    import { withoutHarmlessWarnings } from ${JSON.stringify(MODULE)};
    process.stderr.write('before\\n');
    try {
      withoutHarmlessWarnings(() => {
        writeSync(2, ${lines(WRITTEN)});
        ${ending}
      });
    } catch {}
    process.stderr.write('after\\n');
  `;
  const stderr = openSync(file, 'a');
  const args = ['--input-type=module', '-e', script];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', stderr] });
  closeSync(stderr);
  expect(status).toBe(0);
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

describe.skipIf(process.platform === 'win32')("Dawn's harmless warnings", () => {
  const folder = temporaryFolder();

  it('are hidden; all other lines are written in their order', () => {
    expect(writtenBy(join(folder, 'well'), '')).toEqual(EXPECTED);
  });

  it('are not hidden by the library, which leaves standard error to its user', () => {
    const file = join(folder, 'library');
    const script = `
      import { openDevice } from ${JSON.stringify(LIBRARY)};
      process.stderr.write('before\\n');
      for (const adapter of ['auto', 'embedded', 'auto']) (await openDevice({ adapter })).close();
      process.stderr.write('after\\n', () => process.exit(0));
    `;
    const stderr = openSync(file, 'a');
    const args = ['--input-type=module', '-e', script];
    const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', stderr] });
    closeSync(stderr);
    expect(status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('before\nafter\n');
  });

  it('do no harm where standard error is closed', () => {
    const script = `
      import { withoutHarmlessWarnings } from ${JSON.stringify(MODULE)};
      process.exit(withoutHarmlessWarnings(() => 7));
    `;
    const args = ['-c', 'exec "$0" --input-type=module -e "$1" 2>&-', process.execPath, script];
    expect(spawnSync('sh', args, { stdio: 'ignore' }).status).toBe(7);
  });

  it('are hidden also where the action fails', () => {
    expect(writtenBy(join(folder, 'failing'), 'throw new Error();')).toEqual(EXPECTED);
  });
});
