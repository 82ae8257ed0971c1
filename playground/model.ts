import type { Device } from '../src/gpu/device.js';
import type { ModelDescription } from '../src/train/model-description.js';
import { loadDescription } from '../src/train/model-folder.js';
import { loadWeights } from '../src/train/model-weights.js';
import { SentenceClassifier } from '../src/train/sentence-classifier.js';

/** What the page says of its model; the file `about.json` beside the model's own. */
interface AboutModel {
  /** Where it comes from, in a sentence. */
  note: string;
  /** A sentence to begin with. */
  example: string;
}

/** The page's model: all of it but the weights is there without a GPU. */
export interface PageModel {
  folder: string;
  about: AboutModel;
  description: ModelDescription;
}

/** Reads what describes the model that the page came with. */
export async function readModel(): Promise<PageModel> {
  const folder = new URL('model', document.baseURI).href;
  const [about, description] = await Promise.all([
    fetch(`${folder}/about.json`).then((response): Promise<AboutModel> => response.json()),
    loadDescription(folder),
  ]);
  return { folder, about, description };
}

/** Puts the model's weights on the GPU. */
export async function openModel(
  device: Device,
  { folder, description }: PageModel,
): Promise<SentenceClassifier> {
  return SentenceClassifier.of(device, description, await loadWeights(folder, description.config));
}
