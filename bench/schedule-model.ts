import { type StepTime, stepTime } from '../src/plan/machine.js';

/** A workgroup's work. */
export interface WorkItem {
  /** Full steps over columns, and parts of them. */
  steps: number;
  step: StepTime;
}

/** How a machine runs the workgroups of a dispatch. */
export interface SimulatedMachine {
  /** On a software adapter, its threads. */
  multiprocessors: number;
  /** Workgroups that are on one multiprocessor at a time. */
  resident: number;
  /** Whether each multiprocessor gets its share of the workgroups beforehand, as lavapipe's threads do. */
  sharesBeforehand: boolean;
  /** The start of a dispatch, and the wait for the one before it, in microseconds. */
  dispatch: number;
  /** Beside its steps, a workgroup takes the time of this number of microseconds when it is alone. */
  item: number;
}

interface Running {
  /** Steps that remain. */
  steps: number;
  step: StepTime;
  /** Steps a microsecond. */
  rate: number;
}

/** Work that is closer to its end than this, in steps, has ended: sums are inexact. */
const ENDED = 1e-7;

/** The workgroups on one multiprocessor. */
class Multiprocessor {
  running: Running[] = [];
  /** When the next one ends. */
  end = Number.POSITIVE_INFINITY;
  private since = 0;

  /** Adds workgroups at a time, and removes those that have ended by then. */
  update(now: number, added: readonly Running[] = []): void {
    const passed = now - this.since;
    for (const each of this.running) each.steps -= each.rate * passed;
    this.running = [...this.running.filter(({ steps }) => steps > ENDED), ...added];
    this.since = now;
    const busy = this.running.reduce((sum, { step }) => sum + step.busy, 0);
    this.end = Number.POSITIVE_INFINITY;
    for (const each of this.running) {
      each.rate = 1 / stepTime({ alone: each.step.alone, busy });
      this.end = Math.min(this.end, now + each.steps / each.rate);
    }
  }
}

/** Workgroups in the order in which a multiprocessor takes them. */
class Queue {
  constructor(
    private readonly items: readonly WorkItem[],
    private next: number,
    private readonly end: number,
  ) {}

  get isEmpty(): boolean {
    return this.next >= this.end;
  }

  take(itemTime: number): Running {
    const { steps, step } = this.items[this.next++];
    return { steps: steps + itemTime / stepTime(step), step, rate: 0 };
  }
}

function queuesOf(
  items: readonly WorkItem[],
  { multiprocessors, sharesBeforehand }: SimulatedMachine,
): Queue[] {
  if (!sharesBeforehand) {
    const shared = new Queue(items, 0, items.length);
    return Array<Queue>(multiprocessors).fill(shared);
  }
  const firstOf = (index: number) => Math.round((items.length * index) / multiprocessors);
  return Array.from({ length: multiprocessors }, (_, index) => {
    return new Queue(items, firstOf(index), firstOf(index + 1));
  });
}

/**
 * The time of one dispatch in microseconds, without its start. Workgroups start in the order of the list, each on the multiprocessor
 * that runs the fewest. A step of a workgroup takes (alone⁴ + (Σ busy)⁴)^¼ microseconds, with the sum over all workgroups that are on
 * its multiprocessor.
 */
export function timeOfItems(items: readonly WorkItem[], machine: SimulatedMachine): number {
  const queues = queuesOf(items, machine);
  const processors = queues.map(() => new Multiprocessor());
  const started = processors.map((): Running[] => []);
  let now = 0;
  for (;;) {
    for (;;) {
      let fewest = -1;
      const countOf = (index: number) => processors[index].running.length + started[index].length;
      for (let index = 0; index < processors.length; index++) {
        if (queues[index].isEmpty || countOf(index) >= machine.resident) continue;
        if (fewest < 0 || countOf(index) < countOf(fewest)) fewest = index;
      }
      if (fewest < 0) break;
      started[fewest].push(queues[fewest].take(machine.item));
    }
    for (const [index, added] of started.entries()) {
      if (added.length > 0) processors[index].update(now, added.splice(0));
    }
    const end = processors.reduce(
      (least, processor) => Math.min(least, processor.end),
      Number.POSITIVE_INFINITY,
    );
    if (end === Number.POSITIVE_INFINITY) return now;
    now = end;
    for (const processor of processors) if (processor.end <= now + ENDED) processor.update(now);
  }
}
