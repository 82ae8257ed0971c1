import { describe, expect, it } from 'vitest';
import { fastestFamily } from '../../src/attention/families/families.js';
import { CASES } from '../support/arbitraries.js';
import { testDevice } from '../support/device.js';
import { CASES_OF_KIND, KIND_NAMES, type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { runAttention } from './run-attention.js';

/** A usual run has one kind, whose kernels read every tensor that others read; a longer run has every kind. */
const KINDS: readonly KindName[] = CASES > 1 ? KIND_NAMES : ['head rules, dropout'];

describe('attention on textures with fewer rows than there are tokens', () => {
  it.each(KINDS)('is that of the reference: %s', async (kind) => {
    const attention = randomCase(kind, CASES_OF_KIND - 1);
    const device = await testDevice('abreast');
    expect(attention.tags.length).toBeGreaterThan(device.longestTexture);
    if (device.lanes) expect(fastestFamily(device, attention.tags.length).readsPanels).toBe(true);
    expectReference(attention, await runAttention(attention, 'abreast'));
  });
});
