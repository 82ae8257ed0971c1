import { type Computed, computed, exact, type Numbers } from './arithmetic.js';

/** The biases of some heads, and the weights of pairs of tags in the penalty; it shares no code with what it tests. */
export interface Sparsity {
  tags: number;
  /** λ over layers and heads. */
  strength: number;
  /** [heads, tags, tags] */
  table: Numbers;
  /** [tags, tags] */
  shares: Numbers;
  costs: Numbers;
}

/** For a row of the table: how much larger each bias is than the row's average, and the weight of each key in that average. */
function row({ tags, table, shares }: Sparsity, at: number, round: (x: number) => number) {
  const query = (at / tags) % tags;
  const columns = Array.from({ length: tags }, (_, key) => key);
  const seen = columns.filter((key) => shares[query * tags + key] > 0);
  const largest = Math.max(...seen.map((key) => table[at + key]));
  const terms = columns.map((key) =>
    seen.includes(key)
      ? round(shares[query * tags + key] * round(Math.exp(round(table[at + key] - largest))))
      : 0,
  );
  const sum = terms.reduce((a, b) => round(a + b), 0);
  const average = round(largest + round(Math.log(sum)));
  return {
    isSeen: seen.length > 0,
    above: columns.map((key) => round(table[at + key] - average)),
    weights: terms.map((term) => round(term / sum)),
  };
}

/** strength · Σ cost · σ(B - log Σ share · exp B) */
export function sparsityPenalty(sparsity: Sparsity): number {
  const { tags, table, costs, strength } = sparsity;
  let penalty = 0;
  for (let at = 0; at < table.length; at += tags) {
    const { isSeen, above } = row(sparsity, at, exact);
    if (!isSeen) continue;
    above.forEach((x, key) => {
      penalty += costs[(at + key) % (tags * tags)] / (1 + Math.exp(-x));
    });
  }
  return strength * penalty;
}

/** The gradient of the penalty, added to another gradient. */
export function sparsityGradient(sparsity: Sparsity, before: Numbers, round = exact): Computed {
  const { tags, table, costs, strength } = sparsity;
  return computed(table.length, (entry) => {
    const key = entry % tags;
    const at = entry - key;
    const { isSeen, above, weights } = row(sparsity, at, round);
    if (!isSeen) return [before[entry], Math.abs(before[entry])];
    const terms = above.map((x, k) => {
      const [e, cost] = [round(Math.exp(-Math.abs(x))), costs[(at + k) % (tags * tags)]];
      return round(cost * round(e / round(round(1 + e) * round(1 + e))));
    });
    const all = terms.reduce((a, b) => round(a + b), 0);
    const lost = round(weights[key] * all);
    const change = round(round(strength) * round(terms[key] - lost));
    const size = Math.abs(before[entry]) + strength * (terms[key] + lost);
    return [round(before[entry] + change), size];
  });
}
