// Writes every kernels/*.wgsl into one TypeScript module, so that Node, a bundler and a browser load the same text
// without a file system.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const kernels = new URL('../kernels/', import.meta.url);
const target = new URL('../src/gpu/kernel-sources.generated.ts', import.meta.url);

export function embedKernels() {
  const names = readdirSync(kernels)
    .filter((file) => file.endsWith('.wgsl'))
    .map((file) => file.slice(0, -'.wgsl'.length))
    .sort();
  const entries = names.map((name) => {
    const source = readFileSync(new URL(`${name}.wgsl`, kernels), 'utf8');
    return `  ${JSON.stringify(name)}: ${JSON.stringify(source)},`;
  });
  const lines = [
    '// Written by scripts/embed-kernels.mjs from kernels/*.wgsl; edit those.',
    'export const kernelSources = {',
    ...entries,
    '} as const;',
    '',
  ];
  const text = lines.join('\n');
  // An unchanged module keeps its time stamp, by which scripts/install.mjs sees whether dist/ is up to date.
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
}
