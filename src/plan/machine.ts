/** The time of a step of a workgroup, in microseconds. */
export interface StepTime {
  /** A step of a workgroup that has its multiprocessor alone: the latency of loads and barriers. */
  alone: number;
  /** A step of each workgroup, divided by their number, where a multiprocessor holds as many as it can multiply for. */
  busy: number;
}

/** The times of a GPU's steps, for tiles of one height. */
export interface StepTimes extends StepTime {
  /** Workgroups that a multiprocessor holds at the same time. */
  resident: number;
}

/** A GPU as the planner sees it: what a schedule of workgroups costs. Times are in microseconds. */
export interface Machine {
  /** Multiprocessors of the GPU: an H200 has 132. */
  multiprocessors: number;
  /** A dispatch beside its workgroups, and the wait for the dispatch before. */
  launch: number;
  /** A workgroup beside its steps: it reads its tile, and stores results. */
  start: number;
  /** The times of dense attention by the rows of a tile, 32 and 16. */
  steps: Readonly<Record<32 | 16, StepTimes>>;
  /** The pass that adds parts, beside its memory traffic. */
  combine: number;
  /** Bytes of partial results that are written and read again in a microsecond. */
  bandwidth: number;
}

/**
 * The GPU for which plans are made where nothing was measured. The times are of an NVIDIA H200 (bench/results/attention-h200.json); those
 * of 16 rows are estimates.
 */
export const TYPICAL_GPU: Machine = {
  multiprocessors: 132,
  launch: 3,
  start: 1,
  steps: {
    32: { resident: 3, alone: 5, busy: 2.05 },
    16: { resident: 5, alone: 4.25, busy: 1.27 },
  },
  combine: 2.5,
  bandwidth: 2500 * 1000,
};

/**
 * The time of a step where a multiprocessor holds `count` workgroups: latency while they are few, arithmetic where they are many, and a
 * smooth maximum of both between them. The exponent is that of the measurements named above.
 */
export function stepTime({ alone, busy }: StepTime, count = 1): number {
  return (alone ** 4 + (count * busy) ** 4) ** 0.25;
}
