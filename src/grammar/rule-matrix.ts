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

function marked(mark: string, reach: Reach): string {
  if (reach === EVERYWHERE) return mark;
  return `${mark}${windowOf(reach) >= 0 ? windowOf(reach) : ''}${reachesSentence(reach) ? 's' : ''}`;
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

/** A rule set as marks, [tags][tags]: query tags down, key tags across. A soft rule shows where it reaches beyond the hard one. */
export function ruleMatrix(rules: RuleSet): string[][] {
  const [hard, soft] = [reaches(rules.hard, rules), reaches(rules.soft, rules)];
  return rules.tags.map((_, query) =>
    rules.tags.map((__, key) => {
      const at = query * rules.tags.length + key;
      const marks = hard[at] === NOWHERE ? [] : [marked('●', hard[at])];
      if (soft[at] !== NOWHERE && (hard[at] === NOWHERE || widest(hard[at], soft[at]) !== hard[at]))
        marks.push(marked('○', soft[at]));
      return marks.join('') || '·';
    }),
  );
}
