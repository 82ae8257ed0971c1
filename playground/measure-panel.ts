import { workloadOf } from '../bench/workload.js';
import { isPerHead } from '../src/grammar/head-rules.js';
import { encodeTokens } from '../src/grammar/tagged-tokenizer.js';
import { html } from '../src/report/page/html.js';
import { whole } from '../src/report/page/numbers.js';
import { element, show } from './elements.js';
import type { MeasureAnswer, MeasureRequest } from './measure-worker.js';
import { measurementView } from './measurement-view.js';
import type { PageReading } from './reading.js';
import type { State } from './state.js';

/** Tokens. */
const LENGTHS = [128, 256, 512, 1024, 2048];

/** bert-tiny's. */
const [HEADS, HEAD_DIM] = [2, 64];

/** The panel that measures: a length, a button, and the results. */
export class MeasurePanel {
  private reading: PageReading | undefined;
  private worker: Worker | undefined;

  constructor(
    private readonly state: State,
    private readonly hasGpu: boolean,
  ) {
    const options = LENGTHS.map((length) => html`<option value="${length}">${whole(length)} tokens</option>`);
    show('length', html`${options}`);
    element<HTMLSelectElement>('length').value = '512';
    element('measure').addEventListener('click', () =>
      this.worker ? this.stop('Stopped.') : this.measure(),
    );
  }

  /** Shows which text is measured, or why none can be. */
  show(reading: PageReading | undefined): void {
    this.reading = reading;
    const hindrance = this.hindrance();
    element('measured-text').textContent =
      hindrance ??
      `The sentence above, repeated to the length: forward pass, ${HEADS} heads of ${HEAD_DIM}, random numbers. Dense and sparse run in turns, and both are first compared with float64.`;
    element<HTMLButtonElement>('measure').disabled = hindrance !== undefined && !this.worker;
  }

  private hindrance(): string | undefined {
    const { strategy, rules } = this.state.shown;
    if (!this.hasGpu) return 'Measuring needs WebGPU: the message above says what to do.';
    if (!this.reading) return 'There is no sentence to measure.';
    if (strategy === 'none')
      return 'Strategy "none" is dense attention: choose another one to compare with it.';
    if (isPerHead(rules)) return 'These rules differ from head to head: choose other rules to measure them.';
    return undefined;
  }

  private measure(): void {
    const { strategy, rules } = this.state.shown;
    if (!this.reading || isPerHead(rules)) return;
    const { tokens } = this.reading.explanation;
    const length = Number(element<HTMLSelectElement>('length').value);
    const workload = workloadOf([encodeTokens(tokens)], length, 1, HEADS, HEAD_DIM);
    show('measurement', '');
    this.worker = new Worker(new URL('./measure-worker.ts', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', ({ data }: MessageEvent<MeasureAnswer>) => this.receive(data));
    this.worker.addEventListener('error', ({ message }) => this.stop(`It could not be measured: ${message}`));
    this.worker.postMessage({ workload, strategy, rules } satisfies MeasureRequest);
    element('measure').textContent = 'Stop';
    this.say('Opening the GPU…');
  }

  private receive(answer: MeasureAnswer): void {
    switch (answer.kind) {
      case 'note':
        this.say(`${answer.text}…`);
        break;
      case 'failed':
        this.stop(`It could not be measured: ${answer.text}`);
        break;
      case 'done':
        show('measurement', measurementView(answer));
        this.stop('Measured.');
    }
  }

  private stop(text: string): void {
    this.worker?.terminate();
    this.worker = undefined;
    element('measure').textContent = 'Measure';
    this.say(text);
    this.show(this.reading);
  }

  private say(text: string): void {
    element('progress').textContent = text;
  }
}
