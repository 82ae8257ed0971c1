import type { Workload } from '../bench/attention-implementation.js';
import type { ShapeResults } from '../bench/shape-bench.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';

/** What the page asks its worker to measure. */
export interface MeasureRequest {
  workload: Workload;
  strategy: Strategy;
  rules: RuleSet;
}

/** What the worker answers: where it is, then what it found. */
export type MeasureAnswer =
  | { kind: 'note'; text: string }
  | { kind: 'done'; results: ShapeResults; adapter: string; isSoftware: boolean }
  | { kind: 'failed'; text: string };
