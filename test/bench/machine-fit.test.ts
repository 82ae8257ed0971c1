import { describe, expect, it } from 'vitest';
import { fitMachine, type Probe } from '../../bench/machine-fit.js';
import { type SimulatedMachine, timeOfItems } from '../../bench/schedule-model.js';
import { hostRandom } from '../../src/base/random.js';

describe('the description of a machine', () => {
  it.each([
    ['latency', { multiprocessors: 132, resident: 3, step: { alone: 5, busy: 2.05 } }],
    ['many workgroups', { multiprocessors: 16, resident: 8, step: { alone: 10, busy: 1 } }],
  ])(
    'is fitted to times of equal workgroups that are limited by %s, and predicts those of others',
    (_, { step, ...described }) => {
      const random = hostRandom(1);
      const machine: SimulatedMachine = { ...described, sharesBeforehand: false, dispatch: 3, item: 1.5 };
      const probes: Probe[] = [];
      const add = (items: number, steps: number) => {
        const equal = Array.from({ length: items }, () => ({ steps, step }));
        const microseconds = (machine.dispatch + timeOfItems(equal, machine)) * (1 + 0.02 * (random() - 0.5));
        probes.push({ items, steps, microseconds });
      };
      add(1, 2);
      add(1, 16);
      for (let items = 2; items <= 4096; items = Math.ceil(1.2 * items)) add(items, 2);
      const { step: found, ...fitted } = fitMachine(probes);
      for (const items of [40, 300, 900]) {
        const uneven = Array.from({ length: items }, () => 1 + Math.floor(20 * random()));
        const time = (each: typeof step, of: SimulatedMachine) =>
          of.dispatch +
          timeOfItems(
            uneven.map((steps) => ({ steps, step: each })),
            of,
          );
        const ratio = time(found, { ...machine, ...fitted }) / time(step, machine);
        expect(Math.abs(ratio - 1), `${items} items`).toBeLessThan(0.1);
      }
    },
  );
});
