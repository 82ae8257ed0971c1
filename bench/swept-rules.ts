import { CallerError } from '../src/base/errors.js';
import { randomRules } from '../src/grammar/density-rules.js';
import type { RuleSet } from '../src/grammar/rules.js';
import { TagPairCounts } from '../src/grammar/tag-pair-counts.js';
import { percent } from '../src/report/page/numbers.js';
import { sequencesOf } from './allowed-pairs.js';
import type { AttentionSweep } from './attention-settings.js';
import type { Workload } from './inputs.js';
import { DATA_LABELS, labelsOfLayout, sameLabelRules } from './label-layouts.js';

/** How far the density of drawn rules may be from the one asked for, as a share of all pairs. */
const DENSITY_TOLERANCE = 0.02;

function nameOf(labels: string, name: string): string {
  return labels === DATA_LABELS ? name : `${labels}, ${name}`;
}

const densityName = (density: number) => `density ${density}`;

/** The written rules of a sweep's labels. In a layout without rules, each label attends to itself. */
function writtenRules({ rules }: AttentionSweep, labels: string): RuleSet[] {
  if (labels === DATA_LABELS) return rules;
  const present = labelsOfLayout(labels);
  return (rules.length > 0 ? rules : [sameLabelRules(labels)]).map((set) => {
    const missing = present.find((label) => !set.tags.includes(label));
    if (missing === undefined) return { ...set, name: nameOf(labels, set.name) };
    throw new CallerError({
      what: `rules "${set.name}" do not list label ${missing}`,
      where: `--labels ${labels}`,
      expected: `"tags" with the integers 0 to ${present.length - 1}`,
    });
  });
}

/** The names of all rule sets of a sweep, in its order. @throws CallerError where rules do not list the labels of a layout. */
export function namesOfRules(sweep: AttentionSweep): string[] {
  return sweep.labels.flatMap((labels) =>
    sweep.densities.length > 0
      ? sweep.densities.map((density) => nameOf(labels, densityName(density)))
      : writtenRules(sweep, labels).map(({ name }) => name),
  );
}

/**
 * The rule sets of a shape: those of the sweep, or one drawn for each density. A density that the labels cannot have is left out
 * with a note: every label attends to itself, and [CLS] to everything.
 */
export function rulesOfShape(
  sweep: AttentionSweep,
  labels: string,
  workload: Workload,
  onNote: ((line: string) => void) | undefined,
): RuleSet[] {
  if (sweep.densities.length === 0) return writtenRules(sweep, labels);
  const counts = TagPairCounts.ofTexts(sequencesOf(workload));
  return sweep.densities.flatMap((density) => {
    const drawn = randomRules(counts, density, sweep.seed);
    const found = counts.hardDensity(drawn);
    if (Math.abs(found - density) <= DENSITY_TOLERANCE)
      return { ...drawn, name: nameOf(labels, densityName(density)) };
    onNote?.(
      `Left out: density ${density}. The nearest that rules about these ${counts.tags.length} labels have is ${percent(found)}; --labels random:64 goes down to 1.6 %.`,
    );
    return [];
  });
}
