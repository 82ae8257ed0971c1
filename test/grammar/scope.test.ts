import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EVERYWHERE,
  isScope,
  NOWHERE,
  reachesSentence,
  reachOf,
  type Scope,
  widest,
  windowOf,
} from '../../src/grammar/scope.js';
import { runs } from '../support/arbitraries.js';
import { callerErrorOf } from './caller-error.js';

const anyScope = fc.oneof(
  fc.constantFrom<Scope>('document', 'sentence', 0, 1, EVERYWHERE - 1),
  fc.nat({ max: 300 }),
);

/** Whether two tokens at a distance, in one sentence or not, are within a reach, as the kernels decide it. */
function within(reach: number, distance: number, inOneSentence: boolean): boolean {
  return reach === EVERYWHERE || distance <= reach || (reachesSentence(reach) && inOneSentence);
}

function isWithinScope(scope: Scope, distance: number, inOneSentence: boolean): boolean {
  if (scope === 'document') return true;
  return scope === 'sentence' ? inOneSentence : distance <= scope;
}

describe('the reach of scopes', () => {
  it('is the union of what the scopes allow', () => {
    fc.assert(
      fc.property(
        fc.array(anyScope, { maxLength: 4 }),
        fc.oneof(fc.nat({ max: 310 }), fc.nat({ max: 16_383 })),
        fc.boolean(),
        (scopes, distance, inOneSentence) => {
          const reach = scopes.map((scope) => reachOf(scope)).reduce(widest, NOWHERE);
          const expected = scopes.some((scope) => isWithinScope(scope, distance, inOneSentence));
          expect(within(reach, distance, inOneSentence)).toBe(expected);
          // The kernels store it as an f32.
          expect(within(Math.fround(reach), distance, inOneSentence)).toBe(expected);
        },
      ),
      runs(2000),
    );
  });

  it('is a window, a sentence, both, neither or everything', () => {
    expect([reachOf(7), windowOf(reachOf(7)), reachesSentence(reachOf(7))]).toEqual([7, 7, false]);
    expect([windowOf(reachOf('sentence')), reachesSentence(reachOf('sentence'))]).toEqual([-1, true]);
    const both = widest(reachOf('sentence'), reachOf(7));
    expect([windowOf(both), reachesSentence(both)]).toEqual([7, true]);
    expect([windowOf(NOWHERE), reachesSentence(NOWHERE)]).toEqual([-1, false]);
    expect(widest(both, reachOf('document'))).toBe(EVERYWHERE);
  });

  it.each<[unknown, string]>([
    [-1, '-1'],
    [0.5, '0.5'],
    [Number.NaN, 'NaN'],
    [2 ** 24, '16777216'],
    ['paragraph', '"paragraph"'],
    ['', '""'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[3], 'a list'],
    [true, 'true'],
  ])('is refused for %j', (scope, shown) => {
    expect(isScope(scope)).toBe(false);
    expect(callerErrorOf(() => reachOf(scope as Scope, 'rules "x"')).message).toBe(
      `rules "x": scope ${shown}; expected "document", "sentence", or a number of tokens below 2²⁴`,
    );
  });
});
