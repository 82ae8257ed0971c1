import { reaches } from './pair-table.js';
import type { RuleSet, Tag } from './rules.js';
import { EVERYWHERE, NOWHERE, type Reach, reachesSentence, widest, windowOf } from './scope.js';

/** What the marks of a matrix mean. */
export const MATRIX_LEGEND =
  '● hard, ○ soft, · no rule; behind a mark, how far it reaches: 4 tokens, s sentence, nothing for the document';

/** How far a rule reaches, in words. */
export function reachText(reach: Reach): string {
  if (reach === EVERYWHERE) return 'document';
  const parts = windowOf(reach) >= 0 ? [`${windowOf(reach)} tokens`] : [];
  return [...parts, ...(reachesSentence(reach) ? ['sentence'] : [])].join(' or ');
}

/** The tag of what fills sequences up to a common length. */
const PADDING = '[PAD]';

/**
 * Where the tags that can meet stand among some tags: sequences are packed, without padding.
 * @param present Tags that occur all the same.
 */
export function meetingTags(tags: readonly Tag[], present?: ReadonlySet<Tag>): number[] {
  return [...tags.keys()].filter((at) => tags[at] !== PADDING || present?.has(PADDING));
}

/** What a kind of rules says of a pair of tags. */
export interface RulePart {
  kind: 'hard' | 'soft';
  reach: Reach;
}

/** A rule set, [tags][tags]: query tags down, key tags across. A soft rule is there where it reaches beyond the hard one. */
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
