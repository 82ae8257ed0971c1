// Kernel engineers: attention over labels of your own, sparse against dense. Labels may be any integers.
import { AttentionMask, attend, openDevice, parseRules } from 'parsimony-attention';

const device = await openDevice();
const [tokens, heads, headDim] = [96, 2, 32];
const tags = Array.from({ length: tokens }, (_, at) => at % 3);
const rules = parseRules('{ "name": "own group", "tags": [0, 1, 2], "hard": { "*": ["="] } }', 'these rules');
const q = Float32Array.from({ length: tokens * heads * headDim }, (_, at) => Math.sin(at));
const shape = { q, k: q, v: q, heads, headDim, tags };

const mask = AttentionMask.fromRules(rules, 'hard');
const sparse = await attend(device, { ...shape, mask });
const dense = await attend(device, { ...shape, mask: AttentionMask.fromRules(rules, 'none') });
console.log('density:', mask.density({ tags }));
console.log('first numbers, sparse:', sparse.output.slice(0, 4), 'dense:', dense.output.slice(0, 4));
