import { fastestFamily } from '../src/attention/families/families.js';
import { html } from '../src/report/page/html.js';
import { asPreset, connectControls } from './controls.js';
import { element, show } from './elements.js';
import { LOST, openGpu } from './gpu.js';
import { MeasurePanel } from './measure-panel.js';
import { openModel, readModel } from './model.js';
import { Predictor } from './prediction.js';
import { readText } from './reading.js';
import { RuleEditor } from './rule-editor.js';
import { type Shown, State } from './state.js';
import { TrainPanel } from './train-panel.js';
import { showNothing, showReading } from './views.js';

async function open(): Promise<void> {
  const [model, gpu] = await Promise.all([readModel(), openGpu()]);
  const { description, about } = model;
  const { strategy, beta } = description.mask;
  const rules = asPreset(description.mask.rules);
  // A user may have typed before the model was loaded.
  const text = element<HTMLTextAreaElement>('text').value || about.example;
  const state = new State({ text, strategy, rules, beta });
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
        notes.push(...reading.notes);
        predictor?.predict(reading, shown);
      } else {
        predictor?.forget();
        showNothing();
        notes.push('Type a sentence: everything on this page follows from it.');
      }
      editor.show(new Set(reading?.explanation.words.map(({ tag }) => tag)));
      measurePanel.show(reading);
    } catch (error) {
      notes.push((error as Error).message);
    }
    showMessages(trouble, notes);
  };
  const fail = (message: string) => {
    trouble = message;
    predictor = undefined;
    show('prediction', '');
    state.tell();
  };

  element('about').textContent =
    `${about.note} It was trained with strategy ${strategy} and the rules "${rules.name}".`;
  connectControls(state, description);
  state.onChange(draw);
  state.tell();
  if (!gpu.device) return;
  gpu.device.gpu.lost.then(() => fail(LOST));
  try {
    const classifier = await openModel(gpu.device, model);
    const opened = new Predictor(classifier, (error) => fail((error as Error).message));
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

function showMessages(trouble: string | undefined, notes: readonly string[]): void {
  show(
    'messages',
    html`${trouble && html`<p class="trouble" id="trouble">${trouble}</p>`}${notes.map((note) => html`<p class="caution">${note}</p>`)}`,
  );
}

open().catch((error: Error) => showMessages(`This page could not start: ${error.message}`, []));
