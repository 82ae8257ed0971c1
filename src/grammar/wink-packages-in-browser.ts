// Replaces wink-packages.ts in a browser (the "browser" field of package.json), which cannot load a package by name.
import model from 'wink-eng-lite-web-model';
import winkNLP from 'wink-nlp';

/** wink-nlp and its model of English. */
export function winkPackages() {
  return { winkNLP, model };
}
