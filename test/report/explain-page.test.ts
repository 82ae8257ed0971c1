import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import type { ModelRules } from '../../src/grammar/head-rules.js';
import { presetRules } from '../../src/grammar/presets.js';
import { STRATEGIES, type Strategy } from '../../src/grammar/rules.js';
import { parseRules } from '../../src/grammar/rules-file.js';
import { TaggedTokenizer } from '../../src/grammar/tagged-tokenizer.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { encodedAttention } from '../../src/report/explain/attention-data.js';
import { predictionText } from '../../src/report/explain/explain-headline.js';
import { explainPage, type PageModel } from '../../src/report/explain/explain-page.js';
import { ABSENT } from '../../src/report/explain/explained-pairs.js';
import { type Explanation, explainText } from '../../src/report/explain/explanation.js';
import { decodedAttention, type PageData, pageScript } from '../../src/report/explain/page-script.js';
import { type PictureOrder, pairPicture } from '../../src/report/explain/pair-picture.js';
import { pairsSvg } from '../../src/report/explain/pair-svg.js';
import { ruleMatrix } from '../../src/report/explain/rule-matrix-picture.js';
import { downloadsScript } from '../../src/report/page/downloads.js';
import { openedPage } from '../support/opened-page.js';
import { generator } from '../support/random.js';

const SENTENCE = 'the brilliant film follows the dull hero , but nobody finds it funny .';
const HOSTILE =
  '<script>alert(1)</script> </script><!-- <img src=x onerror=alert(1)> "q" \'a\' & 😀👩‍👩‍👧 e\u0301 z\u0351\u036b שלום עולם مرحبا \u202eevil';

function explained(text: string, rules: ModelRules, strategy: Strategy): Explanation {
  return explainText(text, {
    tokenizer: new TaggedTokenizer({ vocabulary: bertVocabulary() }),
    mask: AttentionMask.fromRules(rules, strategy),
  });
}

/** A model that attends at random to the pairs that exist. */
function modelOf({ views, tokens }: Explanation, layers: number, heads: number): PageModel {
  const random = generator(7);
  const count = tokens.length;
  const attention = Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (__, head) => {
      const view = views.find((each) => each.heads?.includes(layer * heads + head) ?? true)!;
      const probabilities = Float32Array.from(view.kinds, (kind) => (kind === ABSENT ? 0 : random() ** 4));
      for (let row = 0; row < count; row++) {
        const rowOfQuery = probabilities.subarray(row * count, (row + 1) * count);
        const sum = rowOfQuery.reduce((total, each) => total + each, 0);
        rowOfQuery.forEach((each, key) => {
          rowOfQuery[key] = each / sum;
        });
      }
      return probabilities;
    }),
  );
  const attribution = Array.from({ length: count }, () => random() - 0.5);
  const prediction = { text: '', label: 'positive', logits: [0, 1], probabilities: [0.27, 0.73], cut: false };
  return {
    name: 'runs/<b>hard</b>',
    classes: ['negative', 'positive'],
    notes: ['Not in the vocabulary: <i>zeitgeist</i>.'],
    explanation: { ...prediction, attention, attribution, tile: WIDE_TILE },
  };
}

/** All pairs that a picture draws, "row,column", read from its paths. */
function drawnPairs(picture: string): string[] {
  const { document } = openedPage(`<html><body>${picture}</body></html>`);
  return Array.from(document.querySelectorAll('use')).flatMap((use) => {
    const transform = /translate\(0 (\d+)\) scale\(1 (\d+)\)/.exec(use.getAttribute('transform') ?? '');
    const first = Number(transform?.[1] ?? use.getAttribute('y'));
    const height = Number(transform?.[2] ?? 1);
    const path = document.getElementById(use.getAttribute('href')!.slice(1))!.getAttribute('d')!;
    const columns: number[] = [];
    let at = 0;
    for (const [, move, , length] of path.matchAll(/[Mm](\d+) (\.5|0)h(\d+)/g)) {
      at += Number(move);
      for (let column = at; column < at + Number(length); column++) columns.push(column);
      at += Number(length);
    }
    return Array.from({ length: height }, (_, row) =>
      columns.map((column) => `${first + row},${column}`),
    ).flat();
  });
}

describe('the picture of pairs', () => {
  it('of the README is what `explain` writes for docs/pictures/review.txt', () => {
    const pictures = join(import.meta.dirname, '../../docs/pictures');
    const text = readFileSync(join(pictures, 'review.txt'), 'utf8');
    expect(readFileSync(join(pictures, 'pairs.svg'), 'utf8')).toBe(
      pairsSvg(explained(text.trim(), presetRules('paper'), 'hard')),
    );
  });

  it.each(STRATEGIES)('draws every pair that exists once, and no other: %s', (strategy) => {
    for (const rules of ['paper', 'paper@2', 'floor'].map(presetRules)) {
      const explanation = explained(SENTENCE, rules, strategy);
      const { tokens, order, views } = explanation;
      const count = tokens.length;
      for (const pictured of ['reading', 'sorted'] satisfies PictureOrder[]) {
        const shown = pictured === 'reading' ? tokens.map((_, at) => at) : [...order];
        const expected = shown.flatMap((query, row) =>
          shown.flatMap((key, column) =>
            views[0].kinds[query * count + key] === ABSENT ? [] : [`${row},${column}`],
          ),
        );
        expect(drawnPairs(pairPicture(explanation, pictured).text).sort()).toEqual(expected.sort());
      }
    }
  });

  it('reports how much sorting gathers the pairs, and the work of each tile', () => {
    const explanation = explained(SENTENCE, presetRules('paper'), 'hard');
    const titles = (['reading', 'sorted'] as const).map((order) =>
      openedPage(pairPicture(explanation, order).text).text('h3'),
    );
    const [scattered, gathered] = titles.map((title) => Number(/(\d+) rectangles/.exec(title)![1]));
    expect(gathered).toBeLessThan(scattered / 2);
    const { document } = openedPage(pairPicture(explanation, 'sorted').text);
    const tileTitles = Array.from(document.querySelectorAll('[data-tile] title')).map(
      (title) => title.textContent,
    );
    expect(tileTitles).toHaveLength(explanation.views[0].tiles.length);
    explanation.views[0].tiles.forEach(({ useful, executed }, tile) => {
      expect(tileTitles[tile]).toContain(
        `${useful} useful of ${executed.toLocaleString('en-GB')} executed pairs`,
      );
    });
    const labels = Array.from(document.querySelectorAll('.labels')).map((group) =>
      Array.from(group.querySelectorAll('text')).map((label) => label.textContent),
    );
    const tags = explanation.runs.map(({ tag }) => String(tag));
    expect(labels).toEqual([tags, tags]);
  });

  it('has labels that do not overlap', () => {
    for (const text of [SENTENCE, SENTENCE.repeat(4), SENTENCE.repeat(30)]) {
      for (const order of ['reading', 'sorted'] as const) {
        const { document } = openedPage(
          pairPicture(explained(text, presetRules('paper'), 'hard'), order).text,
        );
        const left = document.querySelector('.labels')!;
        const at = Array.from(left.querySelectorAll('text')).map((label) => Number(label.getAttribute('y')));
        at.slice(1).forEach((y, index) => {
          expect(y - at[index]).toBeGreaterThan(11);
        });
        expect(Math.min(...at)).toBeGreaterThan(0);
        expect(Math.max(...at)).toBeLessThan(334);
      }
    }
  });
});

describe('the matrix of rules', () => {
  it('has a cell for each pair of tags, with its rule', () => {
    const rules = presetRules('paper@3');
    const { document } = openedPage(ruleMatrix(rules).text);
    const cells = Array.from(document.querySelectorAll('td'));
    // All except the tag of padding, which no text has.
    expect(cells).toHaveLength((rules.tags.length - 1) ** 2);
    expect(document.querySelectorAll('[data-query="[PAD]"], [data-key="[PAD]"]')).toHaveLength(0);
    const cell = (query: string, key: string) =>
      cells.find(
        (each) => each.getAttribute('data-query') === query && each.getAttribute('data-key') === key,
      )!;
    expect(cell('VERB', 'NOUN').textContent).toBe('●3hard within 3 tokens');
    expect(cell('NOUN', 'VERB').textContent).toBe('○3soft within 3 tokens');
    expect(cell('[CLS]', 'VERB').textContent).toBe('●hard');
    expect(cell('DET', 'VERB').textContent).toBe('·');
    const headings = Array.from(document.querySelectorAll('th'));
    expect(headings.every((heading) => /^(col|row)$/.test(heading.getAttribute('scope') ?? ''))).toBe(true);
  });
});

describe('the page of an explanation', () => {
  it('starts with the result, the prediction and the words', () => {
    const explanation = explained(SENTENCE, presetRules('paper'), 'hard');
    const { document, text } = openedPage(explainPage(explanation, modelOf(explanation, 2, 2)));
    const { useful, executed, dense } = explanation.pairCounts;
    expect(executed).toBeGreaterThanOrEqual(dense);
    const share = `${Math.round((100 * useful) / dense)} % of ${dense} pairs exist`;
    expect(text('h1')).toBe(`${share}: with padding, so short a text saves no work`);
    expect(text('.lead')).toBe('Prediction: positive (negative 27.0 %, positive 73.0 %)');
    expect(text('.lead + p')).toBe('Not in the vocabulary: <i>zeitgeist</i>.');
    const words = Array.from(document.querySelectorAll('[data-word]'));
    expect(words.map((word) => word.querySelector('.text')!.textContent)).toEqual(
      explanation.words.map((word) => word.text),
    );
    expect(words.every((word) => word.getAttribute('tabindex') === '0')).toBe(true);
    expect(document.querySelectorAll('header .pair-picture')).toHaveLength(2);
    expect(document.querySelectorAll('input[name="head"]')).toHaveLength(4);
    expect(Array.from(document.querySelectorAll('h2')).map((heading) => heading.textContent)).toEqual([
      'Attention: Layer 1, head 1',
      'Words that decided',
      'Rules',
      'Tiles',
    ]);
    const ids = Array.from(document.querySelectorAll('[id]')).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no number where there is none: rules under which no pair exists', () => {
    const rules = parseRules('{ "hard": { "NOUN": ["ADJ"] } }', 'rules');
    const explanation = explained('the .', rules, 'hard');
    const { source, text } = openedPage(explainPage(explanation));
    expect(text('h1')).toBe('None of 16 pairs exist: attention computes nothing');
    expect(source).not.toMatch(/NaN|Infinity/);
  });

  it('counts one thing in the singular', () => {
    const { text, document } = openedPage(explainPage(explained('x', presetRules('paper'), 'hard')));
    expect(text('.facts')).toContain('3 tokens, one word');
    expect(document.body.textContent).not.toMatch(/\b(1|one) (words|tokens|tiles|layers)\b|one tile cover /);
  });

  it('names the likeliest classes where there are many', () => {
    const classes = Array.from({ length: 20 }, (_, at) => `class ${at}`);
    const probabilities = classes.map((_, at) => (at === 7 ? 0.81 : 0.01));
    const shown = predictionText({ probabilities }, classes);
    expect(shown).toMatch(/^\(class 7 81\.0 %(, class \d+ 1\.0 %){4}; 15 others are less likely\)$/);
    expect(predictionText({ probabilities: probabilities.slice(6, 8) }, ['a', 'b'])).toBe(
      '(a 1.0 %, b 81.0 %)',
    );
  });

  it('marks words for and against the prediction by more than colour', () => {
    const explanation = explained(SENTENCE, presetRules('paper'), 'hard');
    const model = modelOf(explanation, 1, 1);
    model.explanation.attribution = explanation.tokens.map((_, at) => (at === 2 ? 2 : at === 6 ? -1 : 0));
    const { document } = openedPage(explainPage(explanation, model));
    const words = Array.from(document.querySelectorAll('[data-word]'));
    expect(words[2].className).toContain('for level-5');
    expect(words[2].querySelector('.sign')!.textContent).toBe('+');
    expect(words[2].textContent).toContain('for positive, 2.00');
    expect(words[6].querySelector('.sign')!.textContent).toBe('−');
    expect(document.querySelectorAll('.sign')).toHaveLength(2);
  });

  it('runs only its own script, for any text', () => {
    const explanation = explained(HOSTILE, presetRules('paper'), 'hard');
    const source = explainPage(explanation, modelOf(explanation, 1, 2));
    const { document, text } = openedPage(source);
    const scripts = Array.from(document.querySelectorAll('script'));
    expect(scripts.map((script) => script.getAttribute('type'))).toEqual(['application/json', null, null]);
    const hashes = [pageScript(), downloadsScript()].map((script) =>
      createHash('sha256').update(script).digest('base64'),
    );
    expect(document.querySelector('meta[http-equiv]')!.getAttribute('content')).toBe(
      `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${hashes.map((hash) => `'sha256-${hash}'`).join(' ')}`,
    );
    expect(source.match(/<script/g)).toHaveLength(3);
    expect(source.match(/<\/script/g)).toHaveLength(3);
    expect(source).not.toContain('<img');
    expect(source).not.toContain('<b>');
    expect(source).not.toContain('<!--');
    expect(document.querySelectorAll('img, link, iframe, [src], [onerror]')).toHaveLength(0);
    const data: PageData = JSON.parse(text('#explained'));
    expect(data.words.map((word) => word.text)).toEqual(explanation.words.map((word) => word.text));
    expect(text('.tagged')).toContain('שלום');
  });

  it('shows what a word may attend to on hover and focus, and the head that is chosen', () => {
    const explanation = explained(SENTENCE, presetRules('paper'), 'guided');
    const { document, window, text } = openedPage(explainPage(explanation, modelOf(explanation, 2, 2)));
    new Function('document', pageScript())(document);
    const words = Array.from(document.querySelectorAll<HTMLElement>('[data-word]'));
    const status = () => text('#word-status');
    expect(status()).toContain('Hover or focus');
    const at = explanation.words.findIndex((word) => word.text === 'film');
    words[at].dispatchEvent(new window.Event('mouseenter'));
    const sees = words.map((word) => word.getAttribute('data-sees'));
    expect(sees[explanation.words.findIndex((word) => word.text === 'follows')]).toBe('soft');
    expect(sees[at]).toBe('hard');
    expect(sees[explanation.words.length - 1]).toBe('absent');
    const seen = sees.filter((kind) => kind !== 'absent').length;
    expect(status()).toContain(
      `film (NOUN, noun: film, story) may attend to ${seen} of ${words.length} words. Layer 1, head 1: most to`,
    );
    expect(document.querySelectorAll('.row-mark')).toHaveLength(3);
    const shades = () =>
      Array.from(document.querySelectorAll('.shades path')).map((path) => path.getAttribute('d'));
    const before = shades();
    const radios = Array.from(document.querySelectorAll<HTMLInputElement>('input[name="head"]'));
    expect(radios.every((radio) => !radio.disabled)).toBe(true);
    radios[0].dispatchEvent(new window.Event('change'));
    expect(text('#head-name')).toBe('Layer 0, head 0');
    expect(shades()).not.toEqual(before);
    radios[3].dispatchEvent(new window.Event('change'));
    expect(shades().length).toBe(before.length);
    words[at].dispatchEvent(new window.Event('blur'));
    expect(status()).toContain('Hover or focus');
    expect(document.querySelectorAll('.row-mark')).toHaveLength(0);
  });

  it('stores the square root of attention to half a step of 63', () => {
    const explanation = explained(SENTENCE, presetRules('paper'), 'hard');
    const [[probabilities]] = modelOf(explanation, 1, 1).explanation.attention;
    const count = explanation.tokens.length;
    const { kinds } = explanation.views[0];
    const rows = Array.from({ length: count }, (_, row) =>
      kinds.subarray(row * count, (row + 1) * count).join(''),
    );
    const data = {
      words: [],
      meanings: {},
      tokens: count,
      order: [],
      views: [{ rows, rowOf: rows.map((_, at) => at) }],
      heads: [],
    };
    const head = {
      name: '',
      view: 0,
      probabilities: encodedAttention({ layer: 0, head: 0, view: 0, probabilities }, kinds),
    };
    decodedAttention(data, head).forEach((row, query) => {
      row.forEach((decoded, key) => {
        const pair = query * count + key;
        if (kinds[pair] === ABSENT) expect(decoded).toBe(-1);
        else
          expect(Math.abs(Math.sqrt(decoded) - Math.sqrt(probabilities[pair]))).toBeLessThan(0.5 / 63 + 1e-6);
      });
    });
  });

  it('stays under a megabyte, and lists what it leaves out', () => {
    const perHead = (layers: number, heads: number): ModelRules => {
      const { tags, hard, soft, beta } = presetRules('paper@6');
      // No two heads have the same rules.
      const rulesOfHead = (number: number) => ({ hard: hard.slice(number), soft });
      return {
        name: 'per head',
        tags,
        beta,
        heads: Array.from({ length: layers }, (_, layer) =>
          Array.from({ length: heads }, (__, head) => rulesOfHead(layer * heads + head)),
        ),
      };
    };
    const long = SENTENCE.repeat(60);
    const cases: [string, ModelRules, Strategy, number][] = [
      [SENTENCE.repeat(4), presetRules('paper'), 'none', 12],
      [long, presetRules('paper'), 'none', 2],
      [long, presetRules('paper'), 'guided', 2],
      [long, presetRules('sepllm'), 'hard', 2],
      [long, presetRules('paper@64'), 'soft', 2],
      [SENTENCE.repeat(4), perHead(6, 6), 'hard', 6],
    ];
    for (const [text, rules, strategy, heads] of cases) {
      const explanation = explained(text, rules, strategy);
      const source = explainPage(explanation, modelOf(explanation, heads, heads));
      const size = Buffer.byteLength(source);
      expect(size, `${explanation.tokens.length} tokens, ${strategy}, ${rules.name}`).toBeLessThan(1_000_000);
      const shown = source.match(/<input type="radio"/g)?.length ?? 0;
      if (shown < heads ** 2)
        expect(source).toContain(`${heads ** 2 - shown} of ${heads ** 2} heads are left to the table`);
    }
  });
});
