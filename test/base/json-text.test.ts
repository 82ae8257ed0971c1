import { expect, test } from 'vitest';
import { jsonText } from '../../src/base/json-text.js';

test('JSON has one line for each list of values and each row, and lays out parts with rows', () => {
  const value = {
    lengths: [1, 2],
    empty: [{}, [], {}],
    table: [
      [1, null],
      [2, 3],
    ],
    none: {},
    left: undefined,
    parts: [{ kind: 'step', rows: [{ ms: Number.NaN }] }],
  };
  expect(jsonText(value)).toBe(`{
  "lengths": [1,2],
  "empty": [
    {},
    [],
    {}
  ],
  "table": [
    [1,null],
    [2,3]
  ],
  "none": {},
  "parts": [
    {
      "kind": "step",
      "rows": [
        {"ms":null}
      ]
    }
  ]
}
`);
});
