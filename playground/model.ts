import type { Device } from '../src/gpu/device.js';
import type { ModelDescription } from '../src/train/model-description.js';
import { loadDescription } from '../src/train/model-folder.js';
import { loadWeights } from '../src/train/model-weights.js';
import { SentenceClassifier } from '../src/train/sentence-classifier.js';

/** A sentence, and what it shows. */
export interface Example {
  text: string;
  shows: string;
}

/** The page's text about its model, in the file `about.json` of the model's folder. */
interface ModelText {
  /** Its origin, in a sentence. */
  note: string;
  /** Whether it learned from the generated sentences. */
  isOfGenerated?: boolean;
  /** Sentences to start with, the first of which is shown. */
  examples: readonly Example[];
}

/** The page's model without its weights, which need a GPU. */
export interface PageModel {
  folder: string;
  about: ModelText;
  description: ModelDescription;
}

/** Reads the description of the page's model. */
export async function readModel(): Promise<PageModel> {
  const folder = new URL('model', document.baseURI).href;
  const [about, description] = await Promise.all([
    fetch(`${folder}/about.json`).then((response): Promise<ModelText> => response.json()),
    loadDescription(folder),
  ]);
  return { folder, about, description };
}

/** Loads the model's weights onto the GPU. */
export async function openModel(
  device: Device,
  { folder, description }: PageModel,
): Promise<SentenceClassifier> {
  return SentenceClassifier.of(device, description, await loadWeights(folder, description.config));
}
