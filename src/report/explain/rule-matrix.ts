import { isPerHead, type ModelRules, ruleSetsOf } from '../../grammar/head-rules.js';
import { reaches } from '../../grammar/pair-table.js';
import { MATRIX_LEGEND, ruleMatrix as marksOf, reachText } from '../../grammar/rule-matrix.js';
import type { RuleSet, Tag } from '../../grammar/rules.js';
import { EVERYWHERE, NOWHERE, type Reach, widest } from '../../grammar/scope.js';
import { type Html, html } from '../page/html.js';

function part(name: string, reach: Reach): string {
  return reach === EVERYWHERE ? name : `${name} within ${reachText(reach)}`;
}

/** One rule set: query tags down, key tags across. */
function matrixOf(rules: RuleSet, caption: string, present: ReadonlySet<Tag> | undefined): Html {
  const { tags } = rules;
  const marks = marksOf(rules);
  const [hard, soft] = [reaches(rules.hard, rules), reaches(rules.soft, rules)];
  const describe = (at: number) => {
    const isSoft = soft[at] !== NOWHERE && (hard[at] === NOWHERE || widest(hard[at], soft[at]) !== hard[at]);
    const parts = hard[at] === NOWHERE ? [] : [part('hard', hard[at])];
    return [...parts, ...(isSoft ? [part('soft', soft[at])] : [])];
  };
  const dim = (tag: Tag) => present && !present.has(tag) && html` class="elsewhere"`;
  const cell = (query: number, key: number) => {
    const parts = describe(query * tags.length + key);
    const kind = parts[0]?.split(' ')[0] ?? 'absent';
    const words = `${tags[query]} to ${tags[key]}: ${parts.join(', ') || 'no rule'}`;
    return html`<td class="rule-${kind}" data-query="${tags[query]}" data-key="${tags[key]}" title="${words}"><span aria-hidden="true">${marks[query][key]}</span><span class="spoken">${parts.join(', ') || 'no rule'}</span></td>`;
  };
  return html`<div class="scroll rule-matrix" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col"><span class="spoken">query tag</span></th>${tags.map((tag) => html`<th scope="col"${dim(tag)}><span>${tag}</span></th>`)}</tr></thead>
<tbody>${tags.map((tag, query) => html`<tr><th scope="row"${dim(tag)}>${tag}</th>${tags.map((_, key) => cell(query, key))}</tr>\n`)}</tbody></table></div>`;
}

/**
 * Rules as tables, tag by tag: one, or one for each head. Each cell carries the tags of its query and key in
 * `data-query` and `data-key`.
 * @param present The tags that occur, where the others shall stand back.
 */
export function ruleMatrix(rules: ModelRules, present?: ReadonlySet<Tag>): Html {
  const perHead = isPerHead(rules);
  const tables = ruleSetsOf(rules).flatMap((layer, layerIndex) =>
    layer.map((each, head) => {
      const place = perHead ? `, layer ${layerIndex}, head ${head}` : '';
      return matrixOf(each, `Rules "${rules.name}"${place}: query tags down, key tags across`, present);
    }),
  );
  return html`${tables}<p class="quiet">${MATRIX_LEGEND}. A soft rule adds ${rules.beta}.</p>`;
}
