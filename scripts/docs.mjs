// Builds the site in site/: the pages of docs/, the reference of every exported name, and the playground. TypeDoc is in a package of its
// own, scripts/site, because it needs TypeScript 6; the first run installs it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = fileURLToPath(new URL('site', import.meta.url));

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) {
    console.error(
      `npm run docs: \`${[command, ...args].join(' ')}\` failed${error ? `: ${error.message}` : ''}`,
    );
    process.exit(1);
  }
}

if (!existsSync(`${tools}/node_modules/typedoc`)) run('npm', ['ci', '--no-audit', '--no-fund'], tools);
run(
  process.execPath,
  [`${tools}/node_modules/typedoc/bin/typedoc`, '--options', `${tools}/typedoc.json`],
  root,
);
run(process.execPath, ['scripts/playground.mjs', '--build'], root);
cpSync(`${root}playground/dist`, `${root}site/playground`, { recursive: true });
console.error('The site is in site/: any web server can serve it.');
