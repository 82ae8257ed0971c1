// Attention under the paper's rules in a page, on the GPU of the browser. How to run it: ../README.md.
import { AttentionMask, attend, openDevice } from 'parsimony-attention';

const words = ['[CLS]', 'the', 'dull', 'film', 'follows', 'the', 'brilliant', 'critic', '[SEP]'];
const tags = ['[CLS]', 'DET', 'ADJ', 'NOUN', 'VERB', 'DET', 'ADJ', 'NOUN', '[SEP]'];

// All scores are 0, so the rules alone decide. The value of token i is the unit vector i: outputs are then the attention weights.
const headDim = 16;
const zeros = new Float32Array(words.length * headDim);
const values = zeros.map((_, at) => Number(Math.floor(at / headDim) === at % headDim));

function row(cells, tag) {
  const line = document.createElement('tr');
  for (const text of cells) line.append(Object.assign(document.createElement(tag), { textContent: text }));
  return line;
}

// On a narrow screen the table scrolls, also from the keyboard.
document.querySelector('#region').tabIndex = 0;

const state = document.querySelector('#state');
try {
  const device = await openDevice();
  const { output } = await attend(device, {
    ...{ q: zeros, k: zeros, v: values, heads: 1, headDim, tags },
    mask: AttentionMask.fromRules('paper', 'hard'),
  });
  const shares = words.map((_, query) => output.subarray(query * headDim, query * headDim + words.length));
  const percent = (share) => (share === 0 ? '' : `${Math.round(100 * share)} %`);
  const rows = words.map((word, query) => row([word, ...Array.from(shares[query], percent)], 'td'));
  document.querySelector('#weights').append(row(['attends to', ...words], 'th'), ...rows);
  state.textContent = 'Each row is a word, and what share of its attention each word gets.';
} catch (error) {
  state.textContent = error.message;
}
