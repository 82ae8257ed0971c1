// Measures in a worker, so that the page stays responsive: the float64 reference takes seconds.

import { ATTENTION_DEFAULTS } from '../bench/attention-settings.js';
import { GREEN } from '../bench/gate.js';
import type { Workload } from '../bench/inputs.js';
import { ShapeBench, type ShapeResults } from '../bench/shape-bench.js';
import { adapterKey } from '../src/attention/kernel-choices.js';
import { openDevice } from '../src/gpu/open-device.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';

/** A request of the page to its worker. */
export interface MeasureRequest {
  workload: Workload;
  strategy: Strategy;
  rules: RuleSet;
}

/** A message of the worker: its progress, its results, or its error. */
export type MeasureAnswer =
  | { kind: 'note'; text: string }
  | { kind: 'done'; results: ShapeResults; adapter: string; isSoftware: boolean }
  | { kind: 'failed'; text: string };

function answer(message: MeasureAnswer): void {
  postMessage(message);
}

async function measure({ workload, strategy, rules }: MeasureRequest): Promise<void> {
  const device = await openDevice();
  const results: ShapeResults = { gate: GREEN, rows: [], preparation: [] };
  const settings = {
    ...ATTENTION_DEFAULTS,
    strategies: ['none' as const, strategy],
    rules: [rules],
    passes: ['forward' as const],
    // A page should answer soon, even where other work of the machine keeps the interval wide.
    seconds: 4,
    controls: false,
  };
  const onNote = (text: string) => answer({ kind: 'note', text });
  const bench = new ShapeBench(device, settings, workload, false, { onNote }, results);
  await bench.run();
  answer({ kind: 'done', results, adapter: adapterKey(device), isSoftware: device.isSoftware });
  device.close();
}

addEventListener('message', ({ data }: MessageEvent<MeasureRequest>) => {
  measure(data).catch((error: Error) => answer({ kind: 'failed', text: error.message }));
});
