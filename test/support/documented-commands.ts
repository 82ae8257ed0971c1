import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

const PROGRAMS = '(?:npx|npm|node|deno|bun|parsimony)';
const INLINE = new RegExp(`\`(${PROGRAMS} [^\`]*)\``, 'g');
const OF_BLOCK = new RegExp(`^\\s*\\$? ?((?:exec |srun )?${PROGRAMS} .*)$`, 'gm');
/** `npx parsimony` and `parsimony bench`: a command's name, without what it needs to run. */
const NAME_ALONE =
  /^(npx )?parsimony( (bench( predict)?|rules predict|worker|grampair|tune|train|doctor))?$|^(npx )?parsimony-attention( …)?$/;

/** The pages with commands for users and contributors. */
function pages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  return [
    'README.md',
    'CONTRIBUTING.md',
    'RESULTS.md',
    'SECURITY.md',
    'kernels/README.md',
    'examples/README.md',
    ...docs.map((file) => join('docs', file)),
  ];
}

/**
 * All commands of README and docs, without their comments and `npx`: lines of `sh` blocks, lines of other blocks after `$` or that begin with
 * a program's name, and code in the text that does. Names of commands alone are none.
 */
export function documentedCommands(): string[] {
  const lines = pages().flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```/gms)].flatMap(([, language, block]) =>
      language === 'sh' ? block.trimEnd().split('\n') : [...block.matchAll(OF_BLOCK)].map(([, line]) => line),
    );
    const inline = [...text.replace(/```.*?```/gs, '').matchAll(INLINE)].map(([, code]) =>
      code.replace(/\s+/g, ' '),
    );
    return [...blocks, ...inline.filter((code) => !NAME_ALONE.test(code))];
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
