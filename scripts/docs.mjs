// Builds the site in site/: the pages of docs/, the reference of every exported name, and the playground. TypeDoc is in a package of its
// own, scripts/site, because it needs TypeScript 6; the first run installs it. A warning of TypeDoc, say of a type that a signature mentions
// and nothing exports, fails it, and so does a broken link.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = fileURLToPath(new URL('site', import.meta.url));
const site = join(root, 'site');

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) {
    console.error(
      `npm run docs: \`${[command, ...args].join(' ')}\` failed${error ? `: ${error.message}` : ''}`,
    );
    process.exit(1);
  }
}

/** The site's pages, but the playground's. */
function pages() {
  const files = readdirSync(site, { recursive: true });
  return files.filter((file) => file.endsWith('.html') && !file.startsWith('playground'));
}

/**
 * Puts right what TypeDoc writes: the link to the playground as it is configured, from the site's folder, on pages in folders of it, too;
 * and tables that scroll, but not from the keyboard.
 */
function finishPages() {
  for (const page of pages()) {
    const text = readFileSync(join(site, page), 'utf8').replaceAll('<table>', '<table tabindex="0">');
    const isInFolder = dirname(page) !== '.';
    writeFileSync(join(site, page), isInFolder ? text.replaceAll('"./playground/', '"../playground/') : text);
  }
}

/** Links between pages that lead nowhere. */
function brokenLinks() {
  return pages().flatMap((page) => {
    const links = readFileSync(join(site, page), 'utf8').matchAll(/\b(?:href|src)="([^"#:]+)[^":]*"/g);
    const targets = [...new Set([...links].map(([, link]) => decodeURIComponent(link)))];
    return targets
      .filter((target) => {
        const path = join(site, dirname(page), target);
        return !existsSync(path) || (statSync(path).isDirectory() && !existsSync(join(path, 'index.html')));
      })
      .map((target) => `${page}: ${target}`);
  });
}

if (!existsSync(`${tools}/node_modules/typedoc`)) run('npm', ['ci', '--no-audit', '--no-fund'], tools);
run(
  process.execPath,
  [`${tools}/node_modules/typedoc/bin/typedoc`, '--options', `${tools}/typedoc.json`],
  root,
);
run(process.execPath, ['scripts/playground.mjs', '--build'], root);
cpSync(join(root, 'playground/dist'), join(site, 'playground'), { recursive: true });
finishPages();
const broken = brokenLinks();
if (broken.length > 0) {
  console.error(`npm run docs: links that lead nowhere:\n  ${broken.join('\n  ')}`);
  process.exit(1);
}
console.error('The site is in site/: any web server can serve it.');
