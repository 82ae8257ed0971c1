import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../scripts/serve.mjs';
import { attend } from '../src/attention/attend.js';
import * as forBrowsers from '../src/browser.js';
import * as filesInBrowser from '../src/data/files-in-browser.js';
import { embeddedDriverExists } from '../src/gpu/embedded-driver.js';
import { bertTokens } from '../src/grammar/bert-tokens.js';
import { bertTokens as bertTokensInBrowser } from '../src/grammar/bert-tokens-in-browser.js';
import { Vocabulary } from '../src/grammar/vocabulary.js';
import * as forNode from '../src/index.js';
import { openChromium, openPage } from './support/chromium.js';
import { testDevice } from './support/device.js';
import { temporaryFolder } from './support/temporary-folder.js';

const ROOT = join(import.meta.dirname, '..');
const PACKAGE = 'parsimony-attention';

const SENTENCE = 'the film is dull .';
const TAGS = ['[CLS]', 'DET', 'ADJ', 'NOUN', 'VERB', '[SEP]'];
const SHAPE = { heads: 2, headDim: 16 };
const NUMBERS = TAGS.length * SHAPE.heads * SHAPE.headDim;

const MAIN = `
import { AttentionMask, attend, bertVocabulary, openDevice, SentenceClassifier } from '${PACKAGE}';

const device = await openDevice();
const q = Float32Array.from({ length: ${NUMBERS} }, (_, at) => Math.sin(at));
const options = { q, k: q, v: q, heads: 2, headDim: 16, tags: ${JSON.stringify(TAGS)}, mask: AttentionMask.fromRules('paper') };
const { output } = await attend(device, options);
const model = await SentenceClassifier.load(device, new URL('model', document.baseURI).href);
const [{ logits }] = await model.predict(['${SENTENCE}']);
const missing = await SentenceClassifier.load(device, 'nowhere/at/all').catch((error: Error) => error.message);
const result = { output: Array.from(output), logits, tokens: bertVocabulary().size, missing };
document.body.append(JSON.stringify(result));
document.body.id = 'done';
`;

/** The package as npm would install it, beside links to what it depends on. */
function install(project: string): void {
  const pack = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(pack.status, pack.stderr).toBe(0);
  const [{ filename }] = JSON.parse(pack.stdout);
  const target = join(project, 'node_modules', PACKAGE);
  mkdirSync(target, { recursive: true });
  const archive = join(project, filename);
  const unpacking = spawnSync('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  expect(unpacking.status).toBe(0);
  // Without the optional ones: a browser needs none of them.
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link, 'junction');
  }
}

function run(project: string, script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules', script), ...args],
    { cwd: project, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } },
  );
  return { status, output: stdout + stderr };
}

describe('the browser entry', () => {
  it('has the exports of the entry for Node, except for folders, files, pages and experiments', () => {
    const missing = Object.keys(forNode).filter((name) => !(name in forBrowsers));
    expect(missing.sort()).toEqual([
      'dataSource',
      'experimentTables',
      'explainPage',
      'parseExperiment',
      'prepareRun',
      'runExperiment',
      'runTraining',
      'withTensorBoard',
    ]);
    for (const [name, value] of Object.entries(forBrowsers)) expect(forNode).toHaveProperty(name, value);
  });

  it('has the same tokens', () => {
    expect(bertTokensInBrowser()).toEqual(bertTokens());
  });

  it('refuses to write, and says what to do', async () => {
    await expect(filesInBrowser.writeAtomically('folder/file')).rejects.toThrow(/browser.*weights\(\)/);
    await expect(filesInBrowser.createFolder('folder')).rejects.toThrow('folder: a browser has no folder');
  });
});

describe.skipIf(!embeddedDriverExists())('the package in a project of Vite, as it is', () => {
  const project = temporaryFolder();
  let browser: Browser;
  let expected: { output: number[]; logits: number[] };

  beforeAll(async () => {
    const device = await testDevice();
    const vocabulary = new Vocabulary(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...SENTENCE.split(' ')]);
    const shape = { hidden: 16, heads: 1, layers: 1, feedForward: 16 };
    const model = forNode.SentenceClassifier.build(device, {
      vocabulary,
      shape,
      mask: forNode.AttentionMask.fromRules('paper'),
    });
    await model.save(join(project, 'public/model'));
    const q = Float32Array.from({ length: NUMBERS }, (_, at) => Math.sin(at));
    const { output } = await attend(device, {
      q,
      k: q,
      v: q,
      ...SHAPE,
      tags: TAGS,
      mask: forNode.AttentionMask.fromRules('paper'),
    });
    const [{ logits }] = await model.predict([SENTENCE]);
    expected = { output: Array.from(output), logits };

    install(project);
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(project, 'index.html'),
      '<!doctype html><script type="module" src="./main.ts"></script>',
    );
    writeFileSync(join(project, 'main.ts'), MAIN);
    browser = await openChromium();
  });

  afterAll(() => browser?.close());

  async function expectComputed(address: string): Promise<void> {
    const { page } = await openPage(browser);
    await page.goto(address);
    await page.waitForSelector('#done');
    const { output, logits, tokens, missing } = JSON.parse(
      await page.$eval('body', (body) => body.innerText),
    );
    expect(output).toEqual(expected.output);
    expect(logits).toEqual(expected.logits);
    expect(tokens).toBe(30_522);
    expect(missing).toMatch(/nowhere\/at\/all\/config\.json: .*expected a model's folder/);
    await page.close();
  }

  it('builds, and computes the bits of this process', async () => {
    const built = run(project, 'vite/bin/vite.js', 'build', '--base', './');
    expect(built.status, built.output).toBe(0);
    expect(built.output).not.toMatch(/externalized|node:/);
    const server = await serve(join(project, 'dist'), 0);
    await expectComputed(server.address);
    server.close();
  });

  it('runs under the development server, and so does the example', async () => {
    cpSync(join(ROOT, 'examples/browser'), join(project, 'browser'), { recursive: true });
    const server = await createServer({
      root: project,
      logLevel: 'error',
      server: { port: 0, host: '127.0.0.1' },
    });
    await server.listen();
    const [address] = server.resolvedUrls!.local;
    await expectComputed(address);
    const { page, complaints } = await openPage(browser);
    await page.goto(`${address}browser/index.html`);
    await page.waitForSelector('#weights tr');
    const rows = await page.$$eval('#weights tr', (lines) => lines.map(({ innerText }) => innerText));
    await server.close();
    expect(complaints).toEqual([]);
    expect(rows[5], 'a verb attends to nouns and to itself').toBe('follows\t\t\t\t33 %\t33 %\t\t\t33 %\t');
  });

  it.each([
    ['for a bundler', {}],
    ['for a bundler that names browsers', { customConditions: ['browser'] }],
  ])('has types %s', (_what, options) => {
    const compilerOptions = {
      target: 'ES2022',
      module: 'ESNext',
      moduleResolution: 'bundler',
      lib: ['ES2023', 'DOM'],
      types: [],
      strict: true,
      noEmit: true,
      ...options,
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    const checked = run(project, 'typescript/bin/tsc', '-p', '.', '--checkers', '1');
    expect(checked.output).toBe('');
    expect(checked.status).toBe(0);
  });
});
