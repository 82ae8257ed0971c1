import { createRequire } from 'node:module';
import type model from 'wink-eng-lite-web-model';
import type winkNLP from 'wink-nlp';

/** wink-nlp and its model of English. They are loaded here, not imported: who tags nothing is spared a tenth of a second. */
export function winkPackages(): { winkNLP: typeof winkNLP; model: typeof model } {
  const load = createRequire(import.meta.url);
  return { winkNLP: load('wink-nlp'), model: load('wink-eng-lite-web-model') };
}
