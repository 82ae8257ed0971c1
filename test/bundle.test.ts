import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';
import { kernelSources } from '../src/gpu/kernel-sources.generated.js';
import { temporaryFolder } from './support/temporary-folder.js';

const ROOT = join(import.meta.dirname, '..');

/** How far below the size of the pages a bundle may be. */
const TOLERANCE = 0.1;

it('a bundle of attend has the size that the pages say, and kernels without comments', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/parsimony-attention'), 'junction');
  const input = join(folder, 'main.js');
  writeFileSync(input, "import { attend } from 'parsimony-attention';\nglobalThis.attend = attend;\n");
  const built = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { write: false, rolldownOptions: { input } },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const code = output.map((file) => ('code' in file ? file.code : '')).join('\n');
  const kilobytes = gzipSync(code).length / 1000;

  const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))];
  const stated = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => [
      ...readFileSync(join(ROOT, page), 'utf8').matchAll(/`attend` alone is (\d+) kB, compressed/g),
    ])
    .map(([, size]) => Number(size));
  expect(stated.length).toBeGreaterThan(0);
  for (const size of stated) {
    expect(kilobytes).toBeLessThanOrEqual(size);
    expect(kilobytes).toBeGreaterThan((1 - TOLERANCE) * size);
  }

  const header = kernelSources['attention/wide/sparse_forward'].split('\n', 1)[0];
  expect(header).toMatch(/^\/\/ /);
  expect(code).not.toContain(header);
});
