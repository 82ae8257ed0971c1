import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { repeatedName } from '../../src/base/json-scan.js';
import { runs } from '../support/arbitraries.js';

describe('a name that is twice in an object', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['[{"a":1},{"b":{"c":1,"d":[],"c":2}}]', 'c'],
    ['{"a\\"b" : 1, "x": {"a\\"b": 1}, "a\\"b"\n:\t2}', 'a"b'],
    ['{"\\\\":1,"\\u005c":2}', '\\'],
    ['{"":1,"b":["",""],"":2}', ''],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('is found in %s', (json, key) => {
    JSON.parse(json);
    expect(repeatedName(json)).toBe(key);
  });

  it.each(['{"a":"a","b":"a"}', '[{"a":1},{"a":1}]', '{"a":{"a":{"a":"a:"}}}', '"a"', '["a","a"]', '7'])(
    'is not found in %s',
    (json) => expect(repeatedName(json)).toBeUndefined(),
  );

  it('is found in no text that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        expect(repeatedName(JSON.stringify(value, null, indent))).toBeUndefined();
      }),
      runs(300),
    );
  });

  it('takes time in proportion to the bytes, also for deep texts or many keys', () => {
    const deep = `${'[{"a":'.repeat(300_000)}1${'}]'.repeat(300_000)}`;
    expect(repeatedName(deep)).toBeUndefined();
    const wide = `{${Array.from({ length: 300_000 }, (_, index) => `"${index}":1`).join()},"7":2}`;
    expect(repeatedName(wide)).toBe('7');
  });
});
