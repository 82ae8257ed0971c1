import { isPerHead, type ModelRules, ruleSetsOf } from '../../grammar/head-rules.js';
import {
  MATRIX_LEGEND,
  markOf,
  meetingTags,
  type RulePart,
  reachText,
  ruleParts,
} from '../../grammar/rule-matrix.js';
import type { RuleSet, Tag } from '../../grammar/rules.js';
import { EVERYWHERE } from '../../grammar/scope.js';
import { tagMeaning } from '../../grammar/tag-meanings.js';
import { type Html, html } from '../page/html.js';

function inWords({ kind, reach }: RulePart): string {
  return reach === EVERYWHERE ? kind : `${kind} within ${reachText(reach)}`;
}

/** One rule set as a table: query tags down, key tags across. Tags that never meet are left out. */
function matrixOf(rules: RuleSet, caption: string, present: ReadonlySet<Tag> | undefined): Html {
  const { tags } = rules;
  const shown = meetingTags(tags, present);
  const cells = ruleParts(rules);
  const dim = (tag: Tag) => present && !present.has(tag) && html` class="elsewhere"`;
  const cell = (query: number, key: number) => {
    const parts = cells[query][key].map(inWords).join(', ');
    const pair = html`data-query="${tags[query]}" data-key="${tags[key]}"`;
    const mark = markOf(cells[query][key]);
    if (parts === '') return html`<td ${pair}>${mark}</td>`;
    const kind = parts.startsWith('hard') ? 'hard' : 'soft';
    return html`<td class="rule-${kind}" ${pair} title="${tags[query]} to ${tags[key]}: ${parts}"><span aria-hidden="true">${mark}</span><span class="spoken">${parts}</span></td>`;
  };
  return html`<div class="scroll rule-matrix" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col"><span class="spoken">query tag</span></th>${shown.map((at) => html`<th scope="col"${dim(tags[at])} title="${tagMeaning(tags[at])}"><span>${tags[at]}</span></th>`)}</tr></thead>
<tbody>${shown.map((query) => html`<tr><th scope="row"${dim(tags[query])} title="${tagMeaning(tags[query])}">${tags[query]}</th>${shown.map((key) => cell(query, key))}</tr>\n`)}</tbody></table></div>`;
}

/** The most rule sets that are drawn, where heads have different ones. */
const MOST_SETS = 3;

/**
 * Rules as tables of tags: one, or one for each of the first rule sets where heads have different ones. Each cell has the tags of
 * its query and key in `data-query` and `data-key`.
 * @param present The tags of a text; other tags are drawn paler.
 */
export function ruleMatrix(rules: ModelRules, present?: ReadonlySet<Tag>): Html {
  const headsOf = new Map<RuleSet, string[]>();
  for (const [layer, heads] of ruleSetsOf(rules).entries()) {
    for (const [head, set] of heads.entries()) {
      headsOf.set(set, [...(headsOf.get(set) ?? []), `${layer}.${head}`]);
    }
  }
  const tables = [...headsOf].slice(0, MOST_SETS).map(([set, heads]) => {
    const ofHeads = isPerHead(rules) ? `, heads ${heads.join(', ')} (layer.head)` : '';
    return matrixOf(set, `Rules "${rules.name}"${ofHeads}: query tags down, key tags across`, present);
  });
  const left = headsOf.size - tables.length;
  return html`${tables}<p class="quiet">${MATRIX_LEGEND}. A soft rule adds ${rules.beta}.${
    left > 0 && ` ${left} more sets of rules are not written out here.`
  }</p>`;
}
