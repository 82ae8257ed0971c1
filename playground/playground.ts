import { fastestFamily } from '../src/attention/families/families.js';
import { CallerError } from '../src/base/errors.js';
import { presetRules } from '../src/grammar/presets.js';
import type { TileConfig } from '../src/plan/tiles.js';
import { offerDownloads } from '../src/report/page/downloads.js';
import { html } from '../src/report/page/html.js';
import type { ModelDescription } from '../src/train/model-description.js';
import { type Compared, comparisonView } from './comparison.js';
import { asPreset, connectControls } from './controls.js';
import { element, show } from './elements.js';
import { LOST, openGpu } from './gpu.js';
import { MeasurePanel } from './measure-panel.js';
import { openModel, readModel } from './model.js';
import { connectPermalink, shownOf } from './permalink.js';
import { Predictor } from './prediction.js';
import { type PageReading, readText } from './reading.js';
import { RuleEditor } from './rule-editor.js';
import { connectRulesJson } from './rules-json.js';
import { type Shown, State } from './state.js';
import { TrainPanel } from './train-panel.js';
import { showModelView, showNothing, showReading } from './views.js';

async function open(): Promise<void> {
  const [model, gpu] = await Promise.all([readModel(), openGpu()]);
  const { description, about } = model;
  const { strategy, beta } = description.mask;
  const rules = asPreset(description.mask.rules);
  // A user may have typed before the model was loaded.
  const text = element<HTMLTextAreaElement>('text').value || about.examples[0].text;
  const state = new State({ text, strategy, rules, beta, ...shownOf(location.hash) });
  const editor = new RuleEditor(state);
  const measurePanel = new MeasurePanel(state, gpu.device !== undefined);
  let trouble = gpu.trouble;
  let predictor: Predictor | undefined;
  const tile = gpu.device && fastestFamily(gpu.device, 1).tile;

  const draw = (shown: Shown) => {
    const notes: string[] = [];
    try {
      const reading = readText(shown, description, tile);
      if (reading) {
        showReading(reading);
        const sides = comparedSides(reading, shown, description, tile);
        show('comparison', sides ? comparisonView(sides) : '');
        notes.push(...reading.notes);
        predictor?.predict(reading, shown, {
          onTrouble: (error) => {
            const { message } = error as Error;
            // What these rules cannot do, others may.
            if (error instanceof CallerError) showMessages(trouble, [...notes, message]);
            else fail(message);
          },
          onPredicted: (prediction, compared) => {
            if (!sides) return;
            const [one, other] = sides;
            show(
              'comparison',
              comparisonView([
                { ...one, prediction },
                { ...other, prediction: compared },
              ]),
            );
          },
          onExplained: (explanation) => showModelView(reading, explanation),
        });
      } else {
        predictor?.forget();
        showNothing();
        notes.push('Type a sentence: everything on this page follows from it.');
      }
      editor.show(new Set(reading?.explanation.words.map(({ tag }) => tag)));
      measurePanel.show(reading);
    } catch (error) {
      predictor?.forget();
      showNothing();
      notes.push((error as Error).message);
    }
    showMessages(trouble, notes);
  };
  const fail = (message: string) => {
    trouble = message;
    predictor = undefined;
    show('prediction', '');
    show('model-view', '');
    state.tell();
  };

  element('about').textContent =
    `${about.note} It was trained with strategy ${strategy} and the rules "${rules.name}".`;
  connectControls(state, description, about.examples);
  connectRulesJson(state);
  connectPermalink(state);
  offerDownloads(document);
  state.onChange(draw);
  state.tell();
  if (!gpu.device) return;
  gpu.device.gpu.lost.then(() => fail(LOST));
  try {
    const classifier = await openModel(gpu.device, model);
    const opened = new Predictor(classifier, about.isOfGenerated ?? false);
    predictor = opened;
    new TrainPanel(state, gpu.device, description.tokenizer.vocabulary, (trained, note) => {
      opened.use(trained);
      element('about').textContent = note;
      state.tell();
    });
    state.tell();
  } catch (error) {
    fail((error as Error).message);
  }
}

/** The text under the page's rules and under those beside them; undefined where there are none. */
function comparedSides(
  reading: PageReading,
  shown: Shown,
  description: ModelDescription,
  tile: TileConfig | undefined,
): [Compared, Compared] | undefined {
  const { compared, rules } = shown;
  if (!compared) return undefined;
  const other = readText({ ...shown, rules: presetRules(compared) }, description, tile)!;
  return [
    { name: rules.name, reading },
    { name: compared, reading: other },
  ];
}

function showMessages(trouble: string | undefined, notes: readonly string[]): void {
  show(
    'messages',
    html`${trouble && html`<p class="trouble" id="trouble">${trouble}</p>`}${notes.map((note) => html`<p class="caution">${note}</p>`)}`,
  );
}

open().catch((error: Error) => showMessages(`This page could not start: ${error.message}`, []));
