import { html } from '../src/report/page/html.js';
import { percent } from '../src/report/page/numbers.js';
import type { Prediction, SentenceClassifier } from '../src/train/sentence-classifier.js';
import type { PageModel } from './model.js';
import { show } from './page.js';
import type { PageReading } from './reading.js';
import type { Shown } from './state.js';

/** Words listed as unknown, at most. */
const MOST_WORDS = 12;

/** Predicts what is shown: one text at a time, and of those that came meanwhile only the last. */
export class Predictor {
  private waiting: { reading: PageReading; shown: Shown } | undefined;
  private isBusy = false;

  constructor(
    private readonly classifier: SentenceClassifier,
    private readonly model: PageModel,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  predict(reading: PageReading, shown: Shown): void {
    this.waiting = { reading, shown };
    if (!this.isBusy) void this.work();
  }

  /** Forgets what waits: there is nothing to be predicted any more. */
  forget(): void {
    this.waiting = undefined;
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting) {
      const { reading, shown } = this.waiting;
      this.waiting = undefined;
      try {
        this.classifier.useRules(shown.strategy, shown.rules, shown.beta);
        const [prediction] = await this.classifier.predict([reading.text]);
        if (!this.waiting) showPrediction(prediction, reading, this.model);
      } catch (error) {
        show('prediction', '');
        this.onTrouble(error);
      }
    }
    this.isBusy = false;
  }
}

function showPrediction(prediction: Prediction, { unknown }: PageReading, model: PageModel): void {
  const { label, probabilities, logits, cut } = prediction;
  const { about, description } = model;
  const { classes, mostPieces, strategy, rules } = description;
  const bars = classes.map(
    (name, index) =>
      html`<li data-logit="${logits[index]}"><span>${name}</span> <meter min="0" max="1" value="${probabilities[index]}" aria-label="${name}"></meter> <span class="number">${percent(probabilities[index])}</span></li>`,
  );
  const listed = `${unknown.slice(0, MOST_WORDS).join(', ')}${unknown.length > MOST_WORDS ? ', …' : ''}`;
  show(
    'prediction',
    html`<h2>Prediction: <strong id="label">${label}</strong></h2>
<ul class="classes">${bars}</ul>
${unknown.length > 0 && html`<p class="caution" id="unknown">Words that this model does not know: <bdi>${listed}</bdi>. Its answer means little for them.</p>`}
${cut && html`<p class="caution">The model reads ${mostPieces} pieces; it has seen only the beginning.</p>`}
<p class="quiet">${about.note} It was trained with strategy ${strategy} and the rules "${rules.name}".</p>`,
  );
}
