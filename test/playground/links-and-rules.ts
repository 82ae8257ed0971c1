import type { Page } from 'puppeteer-core';
import { expect, it } from 'vitest';
import { shownOf as shownOfLink } from '../../playground/permalink.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { formatRules } from '../../src/grammar/rules-file.js';
import { PATIENT } from '../support/chromium.js';

const SENTENCE = 'the brilliant film is not dull and the critic knows the warm story .';

const eventually = <Value>(read: () => Promise<Value>) => expect.poll(read, PATIENT);

/** What the tests of an open page share. */
interface OpenPage {
  page: () => Page;
  textOf: (selector: string) => Promise<string>;
  type: (text: string) => Promise<void>;
  expectShown: (text: string, strategy: Strategy, rules: RuleSet, beta?: number) => Promise<void>;
  /** The selector of a cell of the rule matrix. */
  cell: (query: string, key: string) => string;
}

/** Tests of links to what the page shows, of rules that its model cannot use, and of the meaning of tags. */
export function linkAndRuleTests({ page, textOf, type, expectShown, cell }: OpenPage): void {
  it('follows a link that is opened in its place', async () => {
    await page().evaluate(() => {
      location.hash = '#text=the+film+is+dull+.&strategy=soft&rules=floor&beta=2';
    });
    await expectShown('the film is dull .', 'soft', presetRules('floor'), 2);
    expect(await page().$eval('#text', (field) => (field as HTMLTextAreaElement).value)).toBe(
      'the film is dull .',
    );
    expect(shownOfLink('#text=&rules=floor')).toMatchObject({ text: '' });
  });

  it('says what a model cannot do with some rules, and goes on with others', async () => {
    await type(SENTENCE);
    await expectShown(SENTENCE, 'hard', PAPER_RULES);
    const use = async (rules: string) => {
      await page().$eval(
        '#rules-json',
        (field, value) => ((field as HTMLTextAreaElement).value = value),
        rules,
      );
      await page().$eval('#use-rules', (button) => (button as HTMLButtonElement).click());
    };
    await use('{ "name": "few heads", "heads": [[{ "hard": { "*": ["*"] } }]] }');
    await eventually(() => textOf('#messages')).toContain('expected 2 layers of 2');
    expect(await textOf('#prediction')).toBe('');
    await use(formatRules(presetRules('floor')));
    await expectShown(SENTENCE, 'hard', presetRules('floor'));
    expect(await textOf('#messages')).toBe('');
    await use('{ "name": "no pair", "hard": { "SYM": ["X"] } }');
    await eventually(() => textOf('#point')).toMatch(/^None of \d+ pairs exist/);
    expect(await textOf('body')).not.toMatch(/NaN|Infinity/);
  });

  it('spells tags out for keyboard and touch, too', async () => {
    await type(SENTENCE);
    await expectShown(SENTENCE, 'hard', PAPER_RULES);
    await eventually(async () => {
      await page().focus('#sentence .word:nth-child(2)');
      return textOf('#word-status');
    }).toContain('(DET, determiner: a, the, this)');
    await page().focus(cell('DET', 'ADJ'));
    expect(await textOf('#rule-status')).toBe(
      'DET to ADJ: no rule. DET is determiner: a, the, this. ADJ is adjective: big, funny.',
    );
  });

  it('takes rules as JSON, and says what is wrong with them', async () => {
    await type(SENTENCE);
    const paste = (text: string) =>
      page().$eval('#rules-json', (field, value) => ((field as HTMLTextAreaElement).value = value), text);
    const use = () => page().$eval('#use-rules', (button) => (button as HTMLButtonElement).click());
    await paste('{ "name": "nouns", "hard": { "NOUN": ["NOUNS"] } }');
    await use();
    await eventually(() => page().$eval('#rules-message', ({ textContent }) => textContent)).toMatch(/NOUNS/);
    await paste(formatRules(presetRules('floor')));
    await use();
    await expectShown(SENTENCE, 'hard', presetRules('floor'));
    expect(await page().$eval('#rules-message', ({ textContent }) => textContent)).toBe('');
  });
}
