import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** The pages with commands for users and contributors. */
function pages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  return [
    'README.md',
    'CONTRIBUTING.md',
    'RESULTS.md',
    'kernels/README.md',
    'examples/README.md',
    ...docs.map((file) => join('docs', file)),
  ];
}

/**
 * All commands of README and docs, without their comments and `npx`: lines of `sh` blocks, and code that begins with `npx` or `npm`.
 */
export function documentedCommands(): string[] {
  const lines = pages().flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) =>
      block.trimEnd().split('\n'),
    );
    const inline = [...text.replace(/```.*?```/gs, '').matchAll(/`((?:npx parsimony|npm) [^`]*)`/g)];
    return [...blocks, ...inline.map(([, code]) => code)];
  });
  const commands = lines.map((line) =>
    line
      .replace(/ +#.*$/, '')
      .replace(/^npx /, '')
      .replace(/^parsimony-attention/, 'parsimony')
      .trim(),
  );
  return [...new Set(commands)].filter((command) => command !== '' && !/…$/.test(command));
}
