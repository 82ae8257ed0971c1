import { type StepTime, stepTime } from '../src/plan/machine.js';
import type { SimulatedMachine } from './schedule-model.js';

/** The time of a dispatch of equal workgroups. */
export interface Probe {
  /** Workgroups, and the steps of each. */
  items: number;
  steps: number;
  microseconds: number;
}

/** The parts of a machine's description that follow from the times of equal workgroups. */
export type FittedMachine = Pick<SimulatedMachine, 'multiprocessors' | 'resident' | 'dispatch' | 'item'> & {
  step: StepTime;
};

const MOST_MULTIPROCESSORS = 320;
const MOST_RESIDENT = 16;
/** The values that are tried for the busy part of a step, as shares of a lone step's time: a fiftieth to all of it. */
const BUSY_SHARES = Array.from({ length: 24 }, (_, index) => 0.02 ** (index / 23));
/** The values that are tried for the dispatch, as shares of the time of a lone workgroup beside its steps. */
const DISPATCH_SHARES = [0.5, 0.75, 1, 0.25];

/** The times of a step, whose busy part is this share of a lone step's time, over that time. */
function shareTimes(busy: number): StepTime {
  return { alone: (1 - busy ** 4) ** 0.25, busy };
}

/**
 * Multiprocessors, workgroups on each, and the times of a step, from probes of equal workgroups (least squares of the logarithms).
 * Workgroups take as long as one alone until every multiprocessor has one, then slow each other down until no more fit; further ones are a
 * further wave.
 *
 * @param probes Some with a single workgroup and different numbers of steps, and some with ever more workgroups, until their time grows in
 * proportion.
 * @param fixedCount The number of multiprocessors, where it is known.
 */
export function fitMachine(probes: readonly Probe[], fixedCount?: number): FittedMachine {
  const lone = probes.filter(({ items }) => items === 1).sort((a, b) => a.steps - b.steps);
  const [least, most] = [lone[0], lone[lone.length - 1]];
  const perStep = (most.microseconds - least.microseconds) / (most.steps - least.steps);
  const beside = Math.max(0, least.microseconds - perStep * least.steps);
  const growing = probes.filter(({ items }) => items > 1);
  let best = { error: Number.POSITIVE_INFINITY, multiprocessors: 1, resident: 1, busy: 1, dispatch: 0 };
  for (const share of DISPATCH_SHARES) {
    const dispatch = share * beside;
    for (let resident = 1; resident <= MOST_RESIDENT; resident++) {
      for (const busy of BUSY_SHARES) {
        const shares = shareTimes(busy);
        const slowdowns = Array.from({ length: resident + 1 }, (_, count) => stepTime(shares, count));
        for (
          let multiprocessors = fixedCount ?? 1;
          multiprocessors <= (fixedCount ?? MOST_MULTIPROCESSORS);
          multiprocessors++
        ) {
          let error = 0;
          for (const { items, steps, microseconds } of growing) {
            const waves = Math.floor(items / (multiprocessors * resident));
            const rest = items - waves * multiprocessors * resident;
            const last = rest > 0 ? slowdowns[Math.ceil(rest / multiprocessors)] : 0;
            const time =
              dispatch + (perStep * steps + beside - dispatch) * (waves * slowdowns[resident] + last);
            error += Math.log(time / microseconds) ** 2;
            if (error >= best.error) break;
          }
          if (error < best.error) best = { error, multiprocessors, resident, busy, dispatch };
        }
      }
    }
  }
  const { multiprocessors, resident, busy, dispatch } = best;
  const { alone } = shareTimes(busy);
  const step = { alone: perStep * alone, busy: perStep * busy };
  return { multiprocessors, resident, dispatch, item: beside - dispatch, step };
}
