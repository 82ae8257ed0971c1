// Students: who may attend to whom in a sentence, as text. No device is needed.
import { AttentionMask, bertVocabulary, TaggedTokenizer } from 'parsimony-attention';

const tokenizer = new TaggedTokenizer({ vocabulary: bertVocabulary() });
const tokens = tokenizer.tokens('the dull film follows the brilliant critic .');
for (const { text, tag } of tokens) console.log(text.padEnd(12), tag);

const tags = tokens.map(({ tag }) => tag);
for (const rules of ['paper', 'floor']) {
  const mask = AttentionMask.fromRules(rules, 'hard');
  console.log(`\n${rules}: share of pairs joined after 1, 2 and 3 layers`, mask.closure({ tags }));
  console.log(mask.draw({ tags }));
}
