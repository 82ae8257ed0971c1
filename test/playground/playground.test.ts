import { gzipSync } from 'node:zlib';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { shownOf as shownOfLink } from '../../playground/permalink.js';
import { cycled } from '../../playground/rule-editor.js';
import TRAINING from '../../playground/training.json' with { type: 'json' };
import { serve } from '../../scripts/serve.mjs';
import { embeddedCorpus } from '../../src/data/embedded-corpus.js';
import { embeddedDriverExists } from '../../src/gpu/embedded-driver.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { TaggedTokenizer } from '../../src/grammar/tagged-tokenizer.js';
import { SMALL_CONFIG } from '../../src/nn/model-config.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { explainText } from '../../src/report/explain/explanation.js';
import { percent } from '../../src/report/page/numbers.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { openChromium, openPage, PATIENT } from '../support/chromium.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { linkAndRuleTests } from './links-and-rules.js';
import { buildSite, DEV_ROWS, loseDeviceOnEvent, savedFiles, typeText } from './site.js';

/** Waits long for a state of the page: a busy machine is slow. */
const eventually = <Value>(read: () => Promise<Value>) => expect.poll(read, PATIENT);

const ROWS = 64;
const SENTENCE = 'the brilliant film is not dull and the critic knows the warm story .';

describe.skipIf(!embeddedDriverExists())('the playground', () => {
  const folder = temporaryFolder();
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serve>>;
  let model: SentenceClassifier;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    const built = await buildSite(folder);
    model = built.model;
    server = await serve(built.site, 0);
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /** Opens the page again. Any error of the page fails the test. */
  async function open(before: (page: Page) => Promise<unknown> = async () => {}): Promise<void> {
    await page?.close();
    ({ page, complaints } = await openPage(browser));
    await page.setViewport({ width: 1400, height: 900 });
    await before(page);
    await page.goto(server.address);
  }

  const textOf = (selector: string) => page.$eval(selector, (element) => (element as HTMLElement).innerText);
  const type = (text: string) => typeText(page, text);

  /** Waits until the page shows what this process computes: the logits to the bit, and the density. */
  async function expectShown(text: string, strategy: Strategy, rules: RuleSet, beta = 5): Promise<void> {
    const { vocabulary } = model.description.tokenizer;
    const tokenizer = new TaggedTokenizer({ vocabulary });
    const mask = AttentionMask.fromRules(rules, strategy, { beta });
    const { pairCounts } = explainText(text, { tokenizer, mask });
    model.useMask(mask);
    const [{ logits, label }] = await model.predict([text]);
    await eventually(() =>
      page.evaluate(() => ({
        logits: Array.from(document.querySelectorAll<HTMLElement>('[data-logit]'), ({ dataset }) =>
          Number(dataset.logit),
        ),
        label: document.querySelector<HTMLElement>('#label')?.innerText,
        density: document.querySelector<HTMLElement>('#density')?.innerText,
      })),
    ).toEqual({ logits, label, density: percent(pairCounts.useful / pairCounts.dense) });
  }

  const cell = (query: string, key: string) => `td[data-query="${query}"][data-key="${key}"] button`;

  describe('on a page that is open', () => {
    const bytes: number[] = [];
    let requests = 0;
    const elsewhere: string[] = [];

    beforeAll(async () => {
      await open(async (opened) => {
        opened.on('response', async (response) => {
          if (response.request().method() !== 'GET') return;
          requests++;
          bytes.push(gzipSync(await response.buffer()).length);
        });
        opened.on('request', (request) => {
          if (!request.url().startsWith(server.address) && !request.url().startsWith('data:'))
            elsewhere.push(request.url());
        });
        await opened.evaluateOnNewDocument(loseDeviceOnEvent);
      });
      await page.waitForSelector('#label');
    });

    it('has loaded little, and only from its own server', async () => {
      expect(elsewhere).toEqual([]);
      await eventually(async () => requests > 5 && bytes.length === requests).toBe(true);
      expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(6e6);
      expect(await page.$eval('#about', (about) => about.textContent)).toContain(
        'A model that the tests made.',
      );
    });

    beforeEach(async () => {
      await page.select('#strategy', 'hard');
      // Not by the mouse: what is drawn meanwhile moves the button.
      await page.$eval('#reset', (button) => (button as HTMLButtonElement).click());
    });

    it('updates when text is typed, bit-identical to this process', async () => {
      await page.click('#text', { count: 3 });
      await page.type('#text', SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      expect(await textOf('#sentence')).toMatch(/brilliant\s+ADJ\s.*film\s+NOUN/s);
      expect(await page.$$eval('.pair-picture', (figures) => figures.length)).toBe(2);
      expect(await page.$$eval('.pair-picture .tile', (tiles) => tiles.length)).toBeGreaterThan(0);
      expect(await page.$('#unknown')).toBeNull();
      await type('the zeitgeist is dull .');
      await eventually(() => page.$('#unknown').then((found) => found && textOf('#unknown'))).toContain(
        'zeitgeist',
      );
    });

    it('shows what heads attend to, which words decided, and what tags mean', async () => {
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      const { attribution } = await model.explain(SENTENCE);
      const largest = Math.max(...attribution.map(Math.abs));
      const strongest = SENTENCE.split(' ')[attribution.findIndex((each) => Math.abs(each) === largest) - 1];
      await eventually(() => page.$eval('#model-view > .scroll tbody th', (cell) => cell.textContent)).toBe(
        strongest ?? '[CLS]',
      );
      expect(
        await page.$$eval('#sentence .word:is(.for, .against)', (words) => words.length),
      ).toBeGreaterThan(0);
      expect(await page.$$eval('#model-view input[name="head"]', (heads) => heads.length)).toBe(4);
      await page.click('#model-view input[name="head"]');
      expect(await textOf('#head-name')).toBe('Layer 0, head 0');
      expect(await page.$eval('#sentence .tag', (tag) => (tag as HTMLElement).title)).toBe(
        'determiner: a, the, this',
      );
    });

    it('shows two rule sets side by side, in a link that can be opened again', async () => {
      await type(SENTENCE);
      await page.select('#compared', 'floor');
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      const [underPaper] = await model.predict([SENTENCE]);
      model.useMask(AttentionMask.fromRules('floor', 'hard'));
      const [underFloor] = await model.predict([SENTENCE]);
      const shownOf = ({ label, probabilities }: typeof underPaper) =>
        `${label}, ${percent(Math.max(...probabilities))}`;
      await eventually(() =>
        page.$$eval('#comparison tbody tr:first-child td', (cells) =>
          cells.map(({ textContent }) => textContent),
        ),
      ).toEqual([shownOf(underPaper), shownOf(underFloor)]);
      expect(await page.$$eval('#comparison .pair-picture', (figures) => figures.length)).toBe(2);
      await page.click(cell('DET', 'ADJ'));
      const link = await page.evaluate(
        () => new Promise<string>((done) => setTimeout(() => done(location.hash), 200)),
      );
      expect(shownOfLink(link)).toMatchObject({
        text: SENTENCE,
        strategy: 'hard',
        rules: cycled(PAPER_RULES, 'DET', 'ADJ'),
        compared: 'floor',
      });
      await page.select('#compared', '');
    });

    linkAndRuleTests({ page: () => page, textOf, type, expectShown, cell });

    it('offers figures and tables as files, and has no serious fault of accessibility', async () => {
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      const files = await savedFiles(page, ['.pair-picture', '#pair-counts']);
      const textOfType = (type: string) => files.find((file) => file.type === type)!.text;
      expect(textOfType('image/svg+xml')).toMatch(/^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(textOfType('image/png').slice(1, 4)).toBe('PNG');
      expect(textOfType('text/csv')).toMatch(/^Heads,Dense pairs,.*\r\nall,/);
      expect(textOfType('application/x-tex')).toContain('\\toprule');
      // Not by addScriptTag: the page's policy forbids other scripts.
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => [id, nodes[0].html])).toEqual([]);
    });

    it('updates when a rule is clicked, or another option is chosen', async () => {
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      await page.click(cell('DET', 'ADJ'));
      const withHard = cycled(PAPER_RULES, 'DET', 'ADJ');
      await expectShown(SENTENCE, 'hard', withHard);
      expect(await page.$eval(cell('DET', 'ADJ'), (button) => button.ariaLabel)).toBe('DET to ADJ: hard');
      await page.click(cell('DET', 'ADJ'));
      const withSoft = cycled(withHard, 'DET', 'ADJ');
      await expectShown(SENTENCE, 'hard', withSoft);
      await page.select('#strategy', 'guided');
      await expectShown(SENTENCE, 'guided', withSoft);
      await page.$eval('#beta', (element) => {
        (element as HTMLInputElement).value = '-2';
        element.dispatchEvent(new Event('input', { bubbles: true }));
      });
      await expectShown(SENTENCE, 'guided', withSoft, -2);
      await page.click(cell('DET', 'ADJ'));
      await page.select('#strategy', 'hard');
      await expectShown(SENTENCE, 'hard', PAPER_RULES, -2);
      await page.select('#preset', 'floor');
      await expectShown(SENTENCE, 'hard', presetRules('floor'));
      await page.click('#reset');
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
    });

    it('has a matrix of rules that the keyboard can use', async () => {
      await type(SENTENCE);
      await page.focus(cell('ADJ', 'ADJ'));
      for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'Enter'] as const)
        await page.keyboard.press(key);
      await eventually(() => page.evaluate(() => document.activeElement?.ariaLabel)).toBe('ADP to ADV: hard');
      expect(
        await page.$$eval('td button', (all) => all.filter(({ tabIndex }) => tabIndex === 0).length),
      ).toBe(1);
      const named = await page.$$eval('button, input, select, textarea', (all) =>
        all.map(
          (each) => each.ariaLabel || (each as HTMLInputElement).labels?.length || each.textContent?.trim(),
        ),
      );
      expect(named.filter((name) => !name)).toEqual([]);
    });

    it('measures dense against sparse, with gate and pair counts', async () => {
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      await page.select('#length', '128');
      await page.click('#measure');
      await page.waitForSelector('#gate');
      expect(await textOf('#gate')).toMatch(/^✓ Gate green/);
      expect(await textOf('#speed-up')).toMatch(
        /^At 128 tokens, hard attention was [\d.]+x as fast as dense$/,
      );
      expect(await textOf('#software')).toContain('software');
      expect(await textOf('#measurement')).toMatch(/99 % interval of the speed-up: [\d.]+x to [\d.]+x/);
      const quantities = await page.$$eval('#measurement tbody tr', (rows) =>
        rows.map((row) => Array.from(row.children, ({ textContent }) => textContent)),
      );
      const of = (name: string) => {
        const [, ...values] = quantities.find(([each]) => each?.startsWith(name))!;
        return values.map((value) => Number(value!.replace(/[,x %]/g, '')));
      };
      expect(of('Dense pairs')).toEqual([16_384, 16_384]);
      const [[, useful], [dense, executed]] = [of('Useful pairs'), of('Executed pairs')];
      expect(dense).toBe(16_384);
      expect(useful).toBeLessThan(executed);
      expect(executed).toBeLessThan(dense);
      expect(of('Realised / ideal')[1]).toBeGreaterThan(0);
      expect(await textOf('#measure')).toBe('Measure');
    });

    it('trains a model under the rules that are shown, and then predicts bit-identically to it', async () => {
      await type(SENTENCE);
      await page.select('#strategy', 'guided');
      // Fewer than the page offers.
      await page.$eval(
        '#rows',
        (sizes, rows) => (sizes as HTMLSelectElement).add(new Option(rows, rows)),
        `${ROWS}`,
      );
      await page.select('#rows', `${ROWS}`);
      await page.click('#train');
      await eventually(() => textOf('#training')).toContain('Trained in');
      const { options } = TRAINING;
      // Without error scopes around each submit, as on the page.
      const device = await openDevice({ device: (await testDevice()).gpu });
      const trained = SentenceClassifier.build(device, {
        vocabulary: model.description.tokenizer.vocabulary,
        shape: SMALL_CONFIG,
        mask: AttentionMask.fromRules('paper', 'guided'),
        seed: options.seed,
      });
      const { train, dev } = embeddedCorpus();
      const metrics = await trained.train(train.slice(0, ROWS), dev.slice(0, DEV_ROWS), options);
      expect(await textOf('#training')).toContain(
        `: ${percent(metrics.at(-1)!.devAccuracy)} of ${DEV_ROWS} unseen`,
      );
      expect(await textOf('#about')).toContain('strategy guided and the rules "paper"');
      model = trained;
      await expectShown(SENTENCE, 'guided', PAPER_RULES);
      await eventually(() => page.$('#strange').then((found) => found !== null)).toBe(true);
      await type('the dull film follows the brilliant critic .');
      await eventually(() => page.$('#strange')).toBeNull();
    });

    it.each([
      ['markup', '<img src=x onerror="document.title=1"><script>document.title=2</script>&amp;', 'onerror'],
      ['emoji', '👩‍👩‍👧‍👦 loved 🎬 the film 👍🏽 \u{1f468}\u200d', '🎬'],
      ['right-to-left', 'الفيلم رائع \u202e and the film \u202c אבל הביקורת', 'الفيلم'],
      ['half a character', 'the gloomy \ud83d is dull', 'gloomy'],
    ])('shows hostile text as text: %s', async (_what, text, word) => {
      await type(text);
      await eventually(() => textOf('#sentence')).toContain(word);
      expect(await page.title()).toBe('Parsimony playground');
      expect(await page.$$eval('.tagged img, .tagged script, svg script', (all) => all.length)).toBe(0);
      await page.waitForSelector('#label');
      expect(await textOf('#messages')).toBe('');
    });

    it.each(['', ' \n\t ', '\u200b\u202e'])('asks for a sentence where there is none: %j', async (text) => {
      await type(text);
      await eventually(() => textOf('#messages')).toContain('Type a sentence');
      expect(await textOf('#prediction')).toBe('');
      expect(await page.$eval('#measure', (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    });

    it('reads only the first of five thousand words, and says so', async () => {
      await type('the brilliant film follows the dull critic . '.repeat(625));
      await eventually(() => textOf('#messages')).toContain('only its first 6,000 characters');
      expect(await textOf('#messages')).toContain('Only the first 512 tokens are shown');
      await eventually(() => textOf('#prediction')).toContain('it has seen only the beginning');
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
    });

    it('fits on a phone', async () => {
      await page.setViewport({ width: 390, height: 844 });
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      const bottom = (selector: string) =>
        page.$eval(selector, (each) => each.getBoundingClientRect().bottom);
      await page.evaluate(() => scrollTo(0, 0));
      expect(await bottom('#point')).toBeLessThan(844);
      expect(await bottom('#prediction')).toBeLessThan(844);
    });

    it('has no errors, and has asked only its own server', () => {
      expect(complaints).toEqual([]);
      expect(elsewhere).toEqual([]);
    });

    it('says what to do when the device is lost', async () => {
      await type(SENTENCE);
      await expectShown(SENTENCE, 'hard', PAPER_RULES);
      await page.evaluate(() => dispatchEvent(new Event('lose')));
      await eventually(() => textOf('#messages')).toContain('The GPU was lost');
      expect(await textOf('#prediction')).toBe('');
      expect(await textOf('#density')).toMatch(/ %$/);
    });
  });

  it.each([
    [
      'WebGPU',
      'This browser has no WebGPU',
      () => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }),
    ],
    [
      'an adapter',
      'found no WebGPU adapter',
      () => {
        GPU.prototype.requestAdapter = async () => null;
      },
    ],
  ])('says what to do without %s, and shows what needs no GPU', async (_what, message, take) => {
    await open((opened) => opened.evaluateOnNewDocument(take));
    await page.waitForSelector('#density');
    expect(await textOf('#trouble')).toContain(message);
    expect(await textOf('#trouble')).toMatch(/Use a current Chrome|hardware acceleration/);
    await type(SENTENCE);
    await eventually(() => textOf('#sentence')).toContain('warm');
    const before = await textOf('#density');
    await page.click(cell('DET', 'ADJ'));
    await eventually(() => textOf('#density')).not.toBe(before);
    expect(await page.$eval('#measure', (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    expect(complaints).toEqual([]);
  });
});
