import { EMBEDDED_FORMS, hasEmbeddedForm } from '../src/data/embedded-corpus.js';
import type { ModelRules } from '../src/grammar/head-rules.js';
import { presetRules } from '../src/grammar/presets.js';
import { html } from '../src/report/page/html.js';
import { percent } from '../src/report/page/numbers.js';
import type { ModelExplanation, Prediction, SentenceClassifier } from '../src/train/sentence-classifier.js';
import { element, show } from './elements.js';
import type { PageReading } from './reading.js';
import type { Shown } from './state.js';

/** The most unknown words that are listed. */
const MOST_WORDS = 12;

/** The most tokens of a text whose attention is shown. */
const MOST_EXPLAINED = 64;

/** The results that arrive for a text, one after the other. */
export interface PredictionViews {
  onTrouble(error: unknown): void;
  /** @param compared Under the rules beside the page's, where there are any. */
  onPredicted(prediction: Prediction, compared: Prediction | undefined): void;
  /** @param explanation Undefined where the text is too long for one. */
  onExplained(explanation: ModelExplanation | undefined): void;
}

/**
 * Predicts and explains the shown text, one at a time. Only the last of the texts that arrive meanwhile is predicted, and the
 * work on an older one ends early.
 */
export class Predictor {
  private waiting: { reading: PageReading; shown: Shown; views: PredictionViews } | undefined;
  private isBusy = false;

  /** The previous model, which may still be predicting. */
  private former: SentenceClassifier | undefined;

  /** @param isOfGenerated Whether the model learned from generated sentences. */
  constructor(
    private classifier: SentenceClassifier,
    private isOfGenerated: boolean,
  ) {}

  predict(reading: PageReading, shown: Shown, views: PredictionViews): void {
    // Until the model has read this text under these rules, the prediction on the page is another one.
    element('prediction').ariaBusy = 'true';
    this.waiting = { reading, shown, views };
    if (!this.isBusy) void this.work();
  }

  /** Replaces the model by one that learned from generated sentences. The previous one is released. */
  use(classifier: SentenceClassifier): void {
    this.former = this.classifier;
    this.classifier = classifier;
    this.isOfGenerated = true;
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
      const { classifier, isOfGenerated } = this;
      const { reading, shown, views } = this.waiting;
      this.waiting = undefined;
      try {
        const predictUnder = async (rules: ModelRules) => {
          classifier.useMask(classifier.description.mask.with({ ...shown, rules }));
          return (await classifier.predict([reading.text]))[0];
        };
        const compared = shown.compared && (await predictUnder(presetRules(shown.compared)));
        if (this.waiting) continue;
        const prediction = await predictUnder(shown.rules);
        if (this.waiting) continue;
        showPrediction(prediction, reading, classifier, isOfGenerated && !hasEmbeddedForm(reading.text));
        element('prediction').ariaBusy = 'false';
        views.onPredicted(prediction, compared || undefined);
        const isLong = prediction.cut || reading.explanation.tokens.length > MOST_EXPLAINED;
        const explanation = isLong ? undefined : await classifier.explain(reading.text);
        if (!this.waiting) views.onExplained(explanation);
      } catch (error) {
        show('prediction', '');
        show('model-view', '');
        views.onTrouble(error);
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
  isStrange: boolean,
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
${isStrange && html`<p class="caution" id="strange">This model learned from generated sentences, and none has this form: each is as ${EMBEDDED_FORMS}</p>`}
${cut && html`<p class="caution">The model reads ${tokenizer.maxLength} tokens; it has seen only the beginning.</p>`}
`,
  );
}
