import type { RuleSet } from '../../src/grammar/rules.js';
import type { Inputs, Workload } from '../attention-contender.js';
import { errorBound, largest, largestError } from '../error-bound.js';
import type { Computed } from '../gate.js';
import { type ReferenceResult, referenceAttention } from '../reference-attention.js';
import { referenceTokenBias } from '../reference-pairs.js';

/**
 * A peer may be off by so much where our own bound is stricter: others sum in other orders, and none is called wrong for an
 * error that no model notices.
 */
const LAX_ERROR = 1e-5;

/** What a peer's results should be, and how far they may be off. */
export interface PeerReference {
  tensors: Map<keyof Computed, { exact: Float64Array; allowed: number }>;
  /** Which rows of the output and the query gradient are compared: at [row * heads + head]. */
  sampled: Uint8Array;
  headDim: number;
}

const TENSORS = [
  ['output', 'output'],
  ['queryGradient', 'dq'],
  ['keyGradient', 'dk'],
  ['valueGradient', 'dv'],
] as const satisfies readonly (readonly [keyof Computed, keyof ReferenceResult])[];

const NAMES: Readonly<Record<keyof Computed, string>> = {
  output: 'output',
  queryGradient: 'query gradient',
  keyGradient: 'key gradient',
  valueGradient: 'value gradient',
};

/** Evaluates the sampled rows in float64, and in plain f32 for the bound. */
export function peerReference(
  workload: Workload,
  inputs: Inputs,
  sampled: Uint8Array,
  task: { rules: RuleSet; mask: boolean; backward: boolean },
): PeerReference {
  const { heads, headDim, lengths, tags } = workload;
  const input = {
    q: inputs.query,
    k: inputs.key,
    v: inputs.value,
    outputGradient: task.backward ? inputs.outputGradient : undefined,
    heads,
    headDim,
    lengths: [...lengths],
    scale: 1 / Math.sqrt(headDim),
    bias: referenceTokenBias(task.rules, task.mask ? 'hard' : 'none', tags),
    includes: (row: number, head: number) => sampled[row * heads + head] === 1,
  };
  const exact = referenceAttention(input);
  const plain = referenceAttention(input, 'float32');
  const scales = {
    output: largest(inputs.value),
    dq: exact.dqScale,
    dk: exact.dkScale,
    dv: largest(exact.dv),
  };
  const wanted = task.backward ? TENSORS : TENSORS.slice(0, 1);
  const tensors: PeerReference['tensors'] = new Map();
  for (const [name, key] of wanted) {
    // Rows that were not evaluated are 0 in both, so they add nothing to the bound.
    const bound = errorBound(exact[key], plain[key], scales[key]);
    tensors.set(name, { exact: exact[key], allowed: Math.max(LAX_ERROR, bound) });
  }
  return { tensors, sampled, headDim };
}

/** How far off a peer was. */
export interface PeerCheck {
  /** The largest absolute error of the tensor that comes nearest to its bound, or is furthest beyond it. */
  maxError: number;
  /** What is allowed there. */
  allowedError: number;
  /** What is wrong, in words; undefined where nothing is. */
  complaint: string | undefined;
}

/** Compares a peer's results with float64. */
export function checkPeer({ tensors, sampled, headDim }: PeerReference, computed: Computed): PeerCheck {
  const atSampled = (values: ArrayLike<number>) =>
    Array.from(values).filter((_, at) => sampled[Math.floor(at / headDim)] === 1);
  const checks = [...tensors].map(([name, { exact, allowed }]): PeerCheck => {
    const isPerQuery = name === 'output' || name === 'queryGradient';
    const actual = computed[name] ?? [];
    const maxError =
      actual.length === exact.length && isPerQuery
        ? largestError(atSampled(actual), atSampled(exact))
        : largestError(actual, exact);
    const complaint = `${NAMES[name]} is off by ${maxError.toExponential(1)}, allowed are ${allowed.toExponential(1)}`;
    return { maxError, allowedError: allowed, complaint: maxError <= allowed ? undefined : complaint };
  });
  const share = ({ maxError, allowedError }: PeerCheck) => maxError / allowedError;
  return checks.reduce((worst, other) => (share(other) > share(worst) ? other : worst));
}
