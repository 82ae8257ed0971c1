import { EMBEDDED_ROWS, embeddedSource } from '../src/data/embedded-corpus.js';
import type { Device } from '../src/gpu/device.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { SMALL_CONFIG } from '../src/nn/model-config.js';
import { AttentionMask } from '../src/plan/mask.js';
import { html } from '../src/report/page/html.js';
import { percent, whole } from '../src/report/page/numbers.js';
import { SentenceClassifier } from '../src/train/sentence-classifier.js';
import { element, show } from './elements.js';
import { type Loss, lossCurve } from './loss-curve.js';
import type { Shown, State } from './state.js';
import training from './training.json' with { type: 'json' };

/** Numbers of training sentences, with a hint. */
const SIZES: readonly (readonly [rows: number, words: string])[] = [
  [500, 'too few to learn from, but quick'],
  [training.rows, "as the page's own model"],
  [EMBEDDED_ROWS.train, 'all there are'],
];

/** Ends a training that the user stopped. */
class Stopped extends Error {}

/** The panel that trains a new model from scratch, under the shown rules. */
export class TrainPanel {
  private isTraining = false;
  private isStopped = false;

  /** @param onTrained Called with the model, and a text about it. */
  constructor(
    private readonly state: State,
    private readonly device: Device,
    private readonly vocabulary: Vocabulary,
    private readonly onTrained: (model: SentenceClassifier, note: string) => void,
  ) {
    const options = SIZES.map(
      ([rows, words]) => html`<option value="${rows}">${whole(rows)} sentences: ${words}</option>`,
    );
    show('rows', html`${options}`);
    element<HTMLSelectElement>('rows').value = `${training.rows}`;
    const button = element<HTMLButtonElement>('train');
    button.disabled = false;
    button.addEventListener('click', () => {
      this.isStopped = this.isTraining;
      if (!this.isTraining) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.isTraining = true;
    element('train').textContent = 'Stop';
    const rows = Number(element<HTMLSelectElement>('rows').value);
    const { shown } = this.state;
    const model = SentenceClassifier.build(this.device, {
      vocabulary: this.vocabulary,
      shape: SMALL_CONFIG,
      mask: AttentionMask.fromRules(shown.rules, shown.strategy, { beta: shown.beta }),
      seed: training.options.seed,
    });
    try {
      await this.train(model, shown, rows);
    } catch (error) {
      await this.device.submittedWorkDone();
      model.release();
      this.say(
        error instanceof Stopped ? 'Stopped.' : `It could not be trained: ${(error as Error).message}`,
      );
    }
    this.isTraining = false;
    element('train').textContent = 'Train';
  }

  private async train(model: SentenceClassifier, { strategy, rules }: Shown, rows: number): Promise<void> {
    this.say(`Tagging ${whole(rows)} sentences…`);
    // Let the browser draw the line above before the tagger blocks the page.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const losses: Loss[] = [];
    const data = embeddedSource();
    const [train, dev] = await Promise.all([data.examples('train'), data.examples('dev')]);
    const metrics = await model.train(
      train.slice(0, rows),
      dev.slice(0, training.devRows),
      training.options,
      {
        onProgress: ({ epoch, step, totalSteps, loss, tokensPerSecond }) => {
          if (this.isStopped) throw new Stopped();
          losses.push({ step, loss });
          show('loss-curve', lossCurve(losses, totalSteps));
          this.say(
            `Epoch ${epoch}, step ${step} of ${totalSteps}: loss ${loss.toFixed(3)}, ${whole(Math.round(tokensPerSecond))} tokens/s`,
          );
        },
      },
    );
    const last = metrics[metrics.length - 1];
    const seconds = metrics.reduce((sum, epoch) => sum + epoch.seconds, 0);
    const result = `${percent(last.devAccuracy)} of ${training.devRows} unseen sentences right`;
    this.say(
      `Trained in ${seconds.toFixed(1)} s: ${result}. The prediction above is this model's from now on.`,
    );
    this.onTrained(
      model,
      `Trained on this page from ${whole(rows)} generated sentences, with strategy ${strategy} and the rules "${rules.name}": ${result}. Reload the page to have its own model back.`,
    );
  }

  private say(text: string): void {
    element('training').textContent = text;
  }
}
