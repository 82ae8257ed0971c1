import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParsedWord, tagWords } from '../../src/grammar/tagger.js';
import { runs } from '../support/arbitraries.js';
import { COMMAND } from '../support/run-command.js';
import { anyText } from './texts.js';

/** Texts from which wink-nlp learns words, and texts that it splits by the words that it has learned. */
const NASTY = [
  'see p.36',
  '36 is a number .',
  "the zorblax's film is dull",
  "it is zorblax's.",
  'the co.uk and a.b.c of x.y',
  'uk',
  'x.y. said so',
  'Zorblax met ZORBLAX and zorblax-like zorblax.',
  'mail a@b.org , see https://x.org/?q=1 #zorb @zorb $5 3rd 5pm :-) 😀',
  'zorb , b.org and x.org',
  'constructor __proto__ toString hasOwnProperty valueOf',
  "toString's constructor-based __proto__.x",
];

function written(words: readonly ParsedWord[]): string {
  return words.map(({ start, end, tag, sentence }) => `${start}-${end}/${tag}/${sentence}`).join(' ');
}

function tagged(text: string): string {
  return written(tagWords(text));
}

const TAGGER = pathToFileURL(join(COMMAND, '../../grammar/tagger.js')).href;

/** The tags of a text in a new thread, which has its own modules and has read no other text. */
async function taggedAlone(text: string): Promise<string> {
  const script = `const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.tagger).then(({ tagWords }) => parentPort.postMessage(tagWords(workerData.text)));`;
  const worker = new Worker(script, { eval: true, workerData: { tagger: TAGGER, text } });
  return new Promise((resolve, reject) => {
    worker.on('message', (words: ParsedWord[]) => resolve(written(words)));
    worker.on('error', reject);
  });
}

describe('the tags of a text', () => {
  it('are those of a process that reads no other text', async () => {
    for (const text of NASTY) tagWords(text);
    for (const text of NASTY.slice(1, 6)) expect(tagged(text)).toBe(await taggedAlone(text));
  });

  it('do not depend on the texts before it, in any order', () => {
    const alone = new Map(NASTY.map((text) => [text, tagged(text)]));
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...NASTY), anyText), { maxLength: 8 }), (texts) => {
        for (const text of texts) tagWords(text);
        for (const [text, expected] of alone) expect(tagged(text)).toBe(expected);
      }),
      runs(60),
    );
  });

  it('stay the same after more unknown words than are remembered', () => {
    const before = NASTY.map((text) => tagged(text));
    for (let text = 0; text < 70; text++) {
      tagWords(Array.from({ length: 1000 }, (_, word) => `zq${text}x${word}`).join(' '));
    }
    expect(NASTY.map((text) => tagged(text))).toEqual(before);
  });

  it("do not come from properties of JavaScript's objects", () => {
    expect(tagged('toString-x')).toBe(tagged('toStrung-x'));
  });
});
