// Builds the site in site/: the pages of docs/, the reference of every exported name, and the playground. TypeDoc and the renderer
// of diagrams are in a separate package, scripts/site, because TypeDoc needs TypeScript 6; the first run installs it. A warning of
// TypeDoc fails the build, and so does a broken link.
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

/** The site's pages without those of the playground. */
function pages() {
  const files = readdirSync(site, { recursive: true });
  return files.filter((file) => file.endsWith('.html') && !file.startsWith('playground'));
}

const ENTITIES = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };

/** The text of highlighted code. */
function codeText(code) {
  const lines = code.replaceAll('<br/>', '\n').replace(/<[^>]*>/g, '');
  return lines.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity]);
}

/** A diagram of Mermaid's syntax as a picture in the page's colours and its font, which is not loaded from elsewhere. */
function diagram(code) {
  const colours = { bg: 'var(--color-background)', fg: 'var(--color-text)' };
  const svg = renderMermaidSVG(codeText(code), colours)
    .replace(/@import url\([^)]*\);/, '')
    .replace(/text \{ font-family: [^}]*\}/, '');
  return `<div class="diagram" tabindex="0" role="region" aria-label="Diagram">${svg}</div>`;
}

/**
 * Corrects TypeDoc's pages. Only the README has a title of its own; links to the playground lead there from pages in folders, too; tables and code can be scrolled from the keyboard; the
 * main part is marked; links inside of summaries, which are controls themselves, are removed; and diagrams are drawn.
 */
function finishPages() {
  for (const page of pages()) {
    const text = readFileSync(join(site, page), 'utf8')
      .replaceAll('<table>', '<table tabindex="0">')
      .replaceAll('<pre>', '<pre tabindex="0">')
      .replace(page === 'index.html' ? /<div class="tsd-page-title">.*?<\/div>/s : /$^/, '')
      .replace('<div class="col-content">', '<div class="col-content" role="main">')
      .replace('<nav id="tsd-sidebar-links"', '<nav id="tsd-sidebar-links" aria-label="Links"')
      .replace(/<summary.*?<\/summary>/gs, (summary) => summary.replace(/<a [^>]*>.*?<\/a>/gs, ''))
      .replace(/<pre[^>]*><code class="mermaid">(.*?)<\/code>.*?<\/pre>/gs, (_, code) => diagram(code));
    const isInFolder = dirname(page) !== '.';
    writeFileSync(join(site, page), isInFolder ? text.replaceAll('"./playground/', '"../playground/') : text);
  }
}

/** Links of pages to each other that lead nowhere: to no file, to no part of a page, or to a page's source. */
function brokenLinks() {
  const parts = new Map();
  const partsOf = (path) => {
    if (!parts.has(path)) {
      const ids = readFileSync(path, 'utf8').matchAll(/\b(?:id|name)="([^"]*)"/g);
      parts.set(path, new Set([...ids].map(([, id]) => id)));
    }
    return parts.get(path);
  };
  return pages().flatMap((page) => {
    const links = readFileSync(join(site, page), 'utf8').matchAll(/\b(?:href|src)="([^"]+)"/g);
    const targets = [...new Set([...links].map(([, link]) => link))];
    return targets
      .filter((target) => {
        const [file, part] = decodeURIComponent(target.replaceAll('&amp;', '&')).split('#');
        // "http://README.md" is a file's name that was taken for an address.
        if (/^[a-z]+:/.test(target)) return /^https?:\/\/[\w-]+\.(md|ts|js|mjs|json)\b/.test(target);
        let path = file === '' ? join(site, page) : join(site, dirname(page), file);
        if (existsSync(path) && statSync(path).isDirectory()) path = join(path, 'index.html');
        if (!existsSync(path) || path.endsWith('.md')) return true;
        // The playground makes its own parts.
        return part && path.endsWith('.html') && !file.includes('playground/') && !partsOf(path).has(part);
      })
      .map((target) => `${page}: ${target}`);
  });
}

if (!existsSync(`${tools}/node_modules/beautiful-mermaid`))
  run('npm', ['ci', '--no-audit', '--no-fund'], tools);
const mermaid = new URL('site/node_modules/beautiful-mermaid/dist/index.js', import.meta.url);
const { renderMermaidSVG } = await import(mermaid);
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
