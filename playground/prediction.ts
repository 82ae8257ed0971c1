import { html } from '../src/report/page/html.js';
import { percent } from '../src/report/page/numbers.js';
import type { Prediction, SentenceClassifier } from '../src/train/sentence-classifier.js';
import { show } from './elements.js';
import type { PageReading } from './reading.js';
import type { Shown } from './state.js';

/** The most unknown words that are listed. */
const MOST_WORDS = 12;

/** Predicts the shown text, one at a time. Of the texts that arrive meanwhile, only the last is predicted. */
export class Predictor {
  private waiting: { reading: PageReading; shown: Shown } | undefined;
  private isBusy = false;

  /** The previous model, which may still be predicting. */
  private former: SentenceClassifier | undefined;

  constructor(
    private classifier: SentenceClassifier,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  predict(reading: PageReading, shown: Shown): void {
    this.waiting = { reading, shown };
    if (!this.isBusy) void this.work();
  }

  /** Replaces the model. The previous one is released. */
  use(classifier: SentenceClassifier): void {
    this.former = this.classifier;
    this.classifier = classifier;
    if (!this.isBusy) this.releaseFormer();
  }

  private releaseFormer(): void {
    this.former?.release();
    this.former = undefined;
  }

  /** Discards the waiting text. */
  forget(): void {
    this.waiting = undefined;
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting) {
      const { classifier } = this;
      const { reading, shown } = this.waiting;
      this.waiting = undefined;
      try {
        classifier.useMask(classifier.description.mask.with(shown));
        const [prediction] = await classifier.predict([reading.text]);
        if (!this.waiting) showPrediction(prediction, reading, classifier);
      } catch (error) {
        show('prediction', '');
        this.onTrouble(error);
      }
    }
    this.isBusy = false;
    this.releaseFormer();
  }
}

function showPrediction(
  prediction: Prediction,
  { unknown }: PageReading,
  { description }: SentenceClassifier,
): void {
  const { label, probabilities, logits, cut } = prediction;
  const { classes, tokenizer } = description;
  const bars = classes.map(
    (name, index) =>
      html`<li data-logit="${logits[index]}"><span>${name}</span> <meter min="0" max="1" value="${probabilities[index]}" aria-label="${name}"></meter> <span class="number">${percent(probabilities[index])}</span></li>`,
  );
  // Each word has its own element, so that one from right to left does not change the order of the others.
  const listed = unknown.slice(0, MOST_WORDS).map((word, at) => html`${at > 0 && ' · '}<bdi>${word}</bdi>`);
  if (unknown.length > MOST_WORDS) listed.push(html` · …`);
  show(
    'prediction',
    html`<h2>Prediction: <strong id="label">${label}</strong></h2>
<ul class="classes">${bars}</ul>
${unknown.length > 0 && html`<p class="caution" id="unknown">Words that this model does not know: ${listed}. The answer means little where they matter.</p>`}
${cut && html`<p class="caution">The model reads ${tokenizer.maxLength} tokens; it has seen only the beginning.</p>`}
`,
  );
}
