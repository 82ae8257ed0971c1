import { reaches } from './pair-table.js';
import type { RuleSet, Tag } from './rules.js';
import { EVERYWHERE, NOWHERE, type Reach, reachesSentence, widest, windowOf } from './scope.js';

/** The legend of a matrix. */
export const MATRIX_LEGEND =
  '● hard, ○ soft, · no rule; after a mark, its reach: a number of tokens, s for sentence, nothing for the document';

/** The reach of a rule in words. */
export function reachText(reach: Reach): string {
  if (reach === EVERYWHERE) return 'document';
  const parts = windowOf(reach) >= 0 ? [`${windowOf(reach)} tokens`] : [];
  return [...parts, ...(reachesSentence(reach) ? ['sentence'] : [])].join(' or ');
}

/** The tag of padding tokens. */
const PADDING = '[PAD]';

/**
 * The indexes of the tags that can occur: all but padding, since sequences are packed.
 * @param present Tags that do occur, padding possibly among them.
 */
export function meetingTags(tags: readonly Tag[], present?: ReadonlySet<Tag>): number[] {
  return [...tags.keys()].filter((at) => tags[at] !== PADDING || present?.has(PADDING));
}

/** The hard or soft rule of a pair of tags. */
export interface RulePart {
  kind: 'hard' | 'soft';
  reach: Reach;
}

/** The rules of each pair, [tags][tags] by query tag, then key tag. A soft rule is listed where it reaches beyond the hard one. */
export function ruleParts(rules: RuleSet): RulePart[][][] {
  const [hard, soft] = [reaches(rules.hard, rules), reaches(rules.soft, rules)];
  return rules.tags.map((_, query) =>
    rules.tags.map((__, key) => {
      const at = query * rules.tags.length + key;
      const parts: RulePart[] = hard[at] === NOWHERE ? [] : [{ kind: 'hard', reach: hard[at] }];
      const isWider = soft[at] !== NOWHERE && (parts.length === 0 || widest(hard[at], soft[at]) !== hard[at]);
      return isWider ? [...parts, { kind: 'soft', reach: soft[at] }] : parts;
    }),
  );
}

/** The mark of a pair of tags. */
export function markOf(parts: readonly RulePart[]): string {
  const marks = parts.map(({ kind, reach }) => {
    const mark = kind === 'hard' ? '●' : '○';
    if (reach === EVERYWHERE) return mark;
    return `${mark}${windowOf(reach) >= 0 ? windowOf(reach) : ''}${reachesSentence(reach) ? 's' : ''}`;
  });
  return marks.join('') || '·';
}

/** A rule set as marks, [tags][tags]. */
export function ruleMatrix(rules: RuleSet): string[][] {
  return ruleParts(rules).map((row) => row.map(markOf));
}
