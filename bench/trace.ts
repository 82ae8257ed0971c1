import type { KernelTime } from '../src/gpu/device.js';
import type { PairCounts } from '../src/plan/pair-counts.js';
import type { Stage } from './training-setup.js';

/** One event of Chrome's trace format, which Perfetto reads too: times and durations in microseconds. */
export interface TraceEvent {
  name: string;
  ph: 'X' | 'M';
  ts?: number;
  dur?: number;
  pid: number;
  tid: number;
  cat?: string;
  args: Record<string, string | number>;
}

/** One profiled training step. */
export interface ProfiledStep {
  step: number;
  stages: readonly Stage[];
  kernels: readonly KernelTime[];
  pairCounts: PairCounts;
  heads: number;
  headDim: number;
}

const PROCESS = 1;
/** The tracks, in the order in which they are shown. */
const TRACKS = ['tag', 'plan', 'upload', 'record and submit', 'wait', 'kernels'] as const;

function trackOf(name: (typeof TRACKS)[number]): number {
  return TRACKS.indexOf(name) + 1;
}

/**
 * The events of profiled steps. The clocks of GPU and CPU have different zeros: the kernels of a step are placed so that the last
 * one ends when the CPU stops waiting for it.
 */
export function traceEvents(processName: string, steps: readonly ProfiledStep[]): TraceEvent[] {
  const named = (name: string, tid: number, args: TraceEvent['args']): TraceEvent => {
    return { name, ph: 'M', pid: PROCESS, tid, args };
  };
  const tracks = TRACKS.flatMap((name) => [
    named('thread_name', trackOf(name), { name }),
    named('thread_sort_index', trackOf(name), { sort_index: trackOf(name) }),
  ]);
  const zero = Math.min(...steps.flatMap(({ stages }) => stages.map(({ begin }) => begin)));
  return [
    named('process_name', 0, { name: processName }),
    ...tracks,
    ...steps.flatMap((step) => eventsOf(step, zero)),
  ];
}

function eventsOf(
  { step, stages, kernels, pairCounts, heads, headDim }: ProfiledStep,
  zero: number,
): TraceEvent[] {
  const events = stages.map(
    ({ name, begin, end }): TraceEvent => ({
      name,
      ph: 'X',
      cat: 'cpu',
      ts: 1000 * (begin - zero),
      dur: 1000 * (end - begin),
      pid: PROCESS,
      tid: trackOf(name),
      args: { step },
    }),
  );
  const done = 1000 * (Math.max(...stages.map(({ end }) => end)) - zero);
  const last = kernels.reduce((latest, { end }) => Math.max(latest, end), 0);
  for (const { label, begin, end } of kernels) {
    events.push({
      name: label.split(' ')[0],
      ph: 'X',
      cat: 'kernel',
      ts: done - (last - begin) / 1000,
      dur: (end - begin) / 1000,
      pid: PROCESS,
      tid: trackOf('kernels'),
      args: { step, pipeline: label, ...workOf(label, (end - begin) / 1e9, pairCounts, heads, headDim) },
    });
  }
  return events;
}

/** Multiply-adds of each attention kernel, in units of headDim a pair and head. */
const PRODUCTS: readonly (readonly [part: string, products: number])[] = [
  ['backward_query', 3],
  ['backward_key_value', 4],
  ['forward', 2],
];

/** The work of an attention kernel: its pairs, counted three ways, and its rates. Other kernels have no pairs. */
function workOf(
  label: string,
  seconds: number,
  pairCounts: PairCounts,
  heads: number,
  headDim: number,
): Record<string, number> {
  if (!label.startsWith('attention/')) return {};
  const products = PRODUCTS.find(([part]) => label.includes(part))?.[1];
  if (products === undefined) return {};
  const executed = label.includes('key_value') ? pairCounts.executedTransposed : pairCounts.executed;
  const flops = 2 * products * headDim * heads;
  return {
    heads,
    usefulPairs: pairCounts.useful,
    executedPairs: executed,
    densePairs: pairCounts.dense,
    executedGflops: (flops * executed) / seconds / 1e9,
    usefulGflops: (flops * pairCounts.useful) / seconds / 1e9,
  };
}

/** The time of all kernels of a name, over all steps. */
export interface KernelCost {
  kernel: string;
  dispatches: number;
  /** Milliseconds a step. */
  ms: number;
  share: number;
}

/** The kernels of a trace, costliest first. */
export function costliest(events: readonly TraceEvent[]): KernelCost[] {
  const steps = new Set(events.flatMap(({ args }) => args.step ?? [])).size;
  const sums = new Map<string, { dispatches: number; ms: number }>();
  let total = 0;
  for (const { name, cat, dur = 0 } of events) {
    if (cat !== 'kernel') continue;
    const { dispatches, ms } = sums.get(name) ?? { dispatches: 0, ms: 0 };
    sums.set(name, { dispatches: dispatches + 1, ms: ms + dur / 1000 });
    total += dur / 1000;
  }
  return [...sums]
    .map(([kernel, { dispatches, ms }]) => ({
      kernel,
      dispatches: dispatches / steps,
      ms: ms / steps,
      share: ms / total,
    }))
    .sort((a, b) => b.ms - a.ms);
}
