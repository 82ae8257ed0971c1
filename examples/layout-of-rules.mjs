// Deciding on sparsity: what rules leave of a text, and what the kernels would execute. No device is needed.
import { AttentionMask, bertVocabulary, TaggedTokenizer } from 'parsimony-attention';

const tokenizer = new TaggedTokenizer({ vocabulary: bertVocabulary(), maxLength: 512 });
const sentence = 'the old sailor repairs a wooden boat and tells long stories about the sea .';
const mask = AttentionMask.fromRules('paper', 'hard');
for (const sentences of [1, 4, 16]) {
  const tags = tokenizer.tokens(Array(sentences).fill(sentence).join(' ')).map(({ tag }) => tag);
  const { useful, executed, dense } = mask.layout({ tags }).pairCounts;
  const [density, waste] = [useful / dense, executed / useful].map((share) => share.toFixed(2));
  console.log(`${tags.length} tokens: density ${density}, executed / useful ${waste}`);
}
