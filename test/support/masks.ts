import type { MaskedTokens } from '../../src/attention/attention.js';
import { tilesOn } from '../../src/attention/kernel-choices.js';
import type { Device } from '../../src/gpu/device.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import type { Layout } from '../../src/plan/layout.js';
import { AttentionMask } from '../../src/plan/mask.js';

/** What a test's mask is made from: rules for all heads, or a list of those of each; strategy `none` by default. */
export interface MaskParts {
  rules?: string | RuleSet | readonly (string | RuleSet)[];
  strategy?: Strategy;
  beta?: number;
  causal?: boolean;
}

export function maskOf({ rules = 'paper', strategy = 'none', beta, causal }: MaskParts): AttentionMask {
  const masks = new Map<string | RuleSet, AttentionMask>();
  const of = (each: string | RuleSet) => {
    const mask = masks.get(each) ?? AttentionMask.fromRules(each, strategy, { beta });
    masks.set(each, mask);
    return mask;
  };
  const mask =
    typeof rules === 'string' || 'name' in rules ? of(rules) : AttentionMask.perHead(rules.map(of));
  return causal ? mask.and(AttentionMask.causal()) : mask;
}

/** A mask laid out for the kernels of a device. */
export function layoutOn(device: Device, tokens: MaskedTokens): Layout {
  return tokens.mask.layout(tokens, tilesOn(device, tokens.kernels, tokens.precision));
}
