import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { build } from 'vite';
import { installModel } from '../../scripts/playground-model.mjs';
import { embeddedCorpus } from '../../src/data/embedded-corpus.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { testDevice } from '../support/device.js';

const CONFIG = join(import.meta.dirname, '../../playground/vite.config.ts');

const NOTE = 'A model that the tests made.';

/** The number of dev sentences of a training on the page: fewer than the published page has. */
export const DEV_ROWS = 50;

/** Builds the playground around a small untrained model. @returns The same model in this process. */
export async function buildSite(folder: string): Promise<{ site: string; model: SentenceClassifier }> {
  const site = join(folder, 'site');
  const fewRows = {
    name: 'few-rows',
    enforce: 'pre' as const,
    transform: (code: string, id: string) =>
      id.endsWith('/training.json') ? code.replace(/"devRows": \d+/, `"devRows": ${DEV_ROWS}`) : undefined,
  };
  await build({ configFile: CONFIG, logLevel: 'warn', plugins: [fewRows], build: { outDir: site } });
  const words = embeddedCorpus(1, { train: 300, dev: 0, test: 0 }).train;
  const tokens = words.flatMap(({ text }) => splitTokens(text, bertVocabulary()));
  const model = SentenceClassifier.build(await testDevice(), {
    vocabulary: bertVocabulary().restrictedTo(new Set(tokens.map(({ text }) => text))),
    shape: { hidden: 32, heads: 2, layers: 2, feedForward: 64, initializerRange: 0.3 },
    mask: AttentionMask.fromRules('paper'),
    seed: 7,
  });
  const saved = join(folder, 'model');
  await model.save(saved);
  installModel(saved, site, NOTE);
  return { site, model };
}

/** Replaces the sentence of the page. */
export async function typeText(page: Page, text: string): Promise<void> {
  await page.$eval(
    '#text',
    (element, value) => {
      (element as HTMLTextAreaElement).value = value;
      element.dispatchEvent(new Event('input', { bubbles: true }));
    },
    text,
  );
}

/** What the two buttons below each of some elements save. @param elements Their selectors. */
export async function savedFiles(
  page: Page,
  elements: readonly string[],
): Promise<{ type: string; text: string }[]> {
  return page.evaluate(async (selectors) => {
    const saved: Blob[] = [];
    const { createObjectURL } = URL;
    URL.createObjectURL = (blob: Blob) => `#${saved.push(blob)}`;
    for (const selector of selectors)
      for (const button of document
        .querySelector(selector)!
        .querySelectorAll<HTMLElement>('.downloads button'))
        button.click();
    while (saved.length < 2 * selectors.length) await new Promise((done) => setTimeout(done, 20));
    URL.createObjectURL = createObjectURL;
    return Promise.all(saved.map(async (file) => ({ type: file.type, text: await file.text() })));
  }, elements);
}

/** Makes the page's device one that the event `lose` destroys. Runs in the page, before its scripts. */
export function loseDeviceOnEvent(): void {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (options) {
    const device = await requestDevice.call(this, options);
    addEventListener('lose', () => device.destroy());
    return device;
  };
}
