import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { EXPLAIN_STYLE } from '../src/report/explain/explain-style.js';
import { STYLE } from '../src/report/page/page-style.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Replaces sources for the browser, by the field `browser` of package.json, which names built modules. */
function browserField(): Plugin {
  const { browser } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  const source = (built: string) => built.replace('./dist/', ROOT).replace(/\.js$/, '.ts');
  // Kernels stay whole: the page counts their pairs, which kernels of the package for browsers cannot.
  const others = new Map(
    Object.entries<string | false>(browser)
      .filter(([, to]) => to === false || existsSync(source(to)))
      .map(([from, to]) => [source(from), to && source(to)]),
  );
  return {
    name: 'browser-field',
    enforce: 'pre',
    async resolveId(name, importer, options) {
      const resolved = await this.resolve(name, importer, { ...options, skipSelf: true });
      const other = resolved && others.get(resolved.id);
      return other === false ? '\0nothing' : other;
    },
    load: (id) => (id === '\0nothing' ? 'export {};' : undefined),
  };
}

/** The style of every page and of the pictures comes before the playground's own. */
function sharedStyle(): Plugin {
  return {
    name: 'shared-style',
    enforce: 'pre',
    transform: (code, id) =>
      id.endsWith('/playground/style.css') ? STYLE + EXPLAIN_STYLE + code : undefined,
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, so that the page works under any address.
  base: './',
  plugins: [browserField(), sharedStyle()],
  worker: { format: 'es', plugins: () => [browserField()] },
  build: {
    rolldownOptions: { checks: { pluginTimings: false } },
    target: 'es2022',
    chunkSizeWarningLimit: 8_000,
    reportCompressedSize: false,
    emptyOutDir: true,
  },
});
