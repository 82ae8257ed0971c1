import { describe, expect, it } from 'vitest';
import { CallerError, describeJson, escapeControls, shortened } from '../../src/base/errors.js';

describe('an error of one line', () => {
  it('escapes characters that control a terminal', () => {
    const { message } = new CallerError({
      what: 'label "\u001b[2J\r\u009b1m\u202e\t\u2028"',
      where: 'a\u0007.tsv:3',
    });
    expect(message).toBe('a\\u0007.tsv:3: label "\\u001b[2J\\r\\u009b1m\\u202e\\t\\u2028"');
  });

  it('joins the lines of a driver’s message', () => {
    expect(new CallerError({ what: 'first\r\n  second\n\nthird' }).message).toBe('first second third');
  });

  it('leaves letters of every script unchanged', () => {
    expect(escapeControls('αβ שלום 映画 é 👍\u200d')).toBe('αβ שלום 映画 é 👍\u200d');
  });

  it('is short for a value of any length', () => {
    const long = 'x'.repeat(10_000_000);
    const { message } = new CallerError({ what: long, where: long, expected: long, remedy: long });
    expect(message.length).toBeLessThan(6100);
    expect(describeJson({ a: long }).length).toBeLessThanOrEqual(80);
    expect(describeJson(long).length).toBeLessThanOrEqual(80);
    expect(shortened('abcdefghij', 8)).toBe('abcde…ij');
  });

  it.each([
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [undefined, 'undefined'],
    [null, 'null'],
    [-0, '0'],
    [[1, 'a'], '[1,"a"]'],
  ])('shows %s', (value, text) => expect(describeJson(value)).toBe(text));
});
