import { bytes, type Encoded, float, int, ints, message, text } from './protobuf.js';

/** The shape of one attention, batch 1. */
export interface OnnxShape {
  tokens: number;
  heads: number;
  headDim: number;
  /** Whether the graph has an additive [tokens, tokens] mask as its fourth input. */
  mask: boolean;
}

/** The standard's operators at this version, and onnxruntime's own at its. The file format is of the same time. */
const OPSETS = [
  { domain: '', version: 17 },
  { domain: 'com.microsoft', version: 1 },
];
const IR_VERSION = 8;

const FLOAT_TENSOR = 1;

/** The numbers of AttributeProto's types. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 };

type Attributes = Record<string, { float: number } | { int: number } | { ints: readonly number[] }>;

interface Value {
  name: string;
  dims: readonly number[];
}

function attribute(name: string, value: Attributes[string]): Encoded {
  if ('float' in value) return message(text(1, name), float(2, value.float), int(20, ATTRIBUTE.float));
  if ('int' in value) return message(text(1, name), int(3, value.int), int(20, ATTRIBUTE.int));
  return message(text(1, name), ints(8, value.ints), int(20, ATTRIBUTE.ints));
}

/** A NodeProto; an empty input name is an input that is left out. */
function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
  domain = '',
): Encoded {
  return message(
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, `make_${output}`),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
    text(7, domain),
  );
}

/** A ValueInfoProto of an f32 tensor. */
function valueInfo({ name, dims }: Value): Encoded {
  const shape = message(...dims.map((size) => bytes(1, int(1, size))));
  const tensor = message(int(1, FLOAT_TENSOR), bytes(2, shape));
  return message(text(1, name), bytes(2, bytes(1, tensor)));
}

/** A TensorProto of one f32 number, which broadcasts to any shape. */
function scalar(name: string, value: number): Encoded {
  return message(
    int(2, FLOAT_TENSOR),
    text(8, name),
    bytes(9, new Uint8Array(Float32Array.of(value).buffer)),
  );
}

function model(
  nodes: readonly Encoded[],
  inputs: readonly Value[],
  outputs: readonly Value[],
  constants: readonly Encoded[] = [],
): Uint8Array {
  const graph = message(
    ...nodes.map((each) => bytes(1, each)),
    text(2, 'attention'),
    ...constants.map((each) => bytes(5, each)),
    ...inputs.map((each) => bytes(11, valueInfo(each))),
    ...outputs.map((each) => bytes(12, valueInfo(each))),
  );
  const opsets = OPSETS.map(({ domain, version }) => bytes(8, message(text(1, domain), int(2, version))));
  return message(int(1, IR_VERSION), text(2, 'parsimony'), bytes(7, graph), ...opsets);
}

/** The names of an attention graph's inputs, in the order of `inputDims`. */
export const INPUT_NAMES = ['query', 'key', 'value', 'mask'] as const;

/** onnxruntime's own fused operator: inputs and output [1, tokens, heads * headDim], mask [1, 1, tokens, tokens]. */
export function multiHeadAttentionModel({ tokens, heads, headDim, mask }: OnnxShape): Uint8Array {
  const dims = [1, tokens, heads * headDim];
  const inputs = INPUT_NAMES.slice(0, 3).map((name): Value => ({ name, dims }));
  if (mask) inputs.push({ name: 'mask', dims: [1, 1, tokens, tokens] });
  // Inputs 3 and 4 are a bias of the projections and a padding mask.
  const names = ['query', 'key', 'value', ...(mask ? ['', '', 'mask'] : [])];
  const attention = node(
    'MultiHeadAttention',
    names,
    'output',
    { num_heads: { int: heads } },
    'com.microsoft',
  );
  return model([attention], inputs, [{ name: 'output', dims }]);
}

/** softmax(Q·Kᵀ/√D + mask)·V of standard operators: inputs and output [1, heads, tokens, headDim]. */
export function plainAttentionModel({ tokens, heads, headDim, mask }: OnnxShape): Uint8Array {
  const dims = [1, heads, tokens, headDim];
  const inputs = INPUT_NAMES.slice(0, 3).map((name): Value => ({ name, dims }));
  if (mask) inputs.push({ name: 'mask', dims: [1, 1, tokens, tokens] });
  const nodes = [
    node('Transpose', ['key'], 'keyColumns', { perm: { ints: [0, 1, 3, 2] } }),
    node('MatMul', ['query', 'keyColumns'], 'products'),
    node('Mul', ['products', 'scale'], 'scores'),
    ...(mask ? [node('Add', ['scores', 'mask'], 'maskedScores')] : []),
    node('Softmax', [mask ? 'maskedScores' : 'scores'], 'probabilities', { axis: { int: 3 } }),
    node('MatMul', ['probabilities', 'value'], 'output'),
  ];
  return model(nodes, inputs, [{ name: 'output', dims }], [scalar('scale', 1 / Math.sqrt(headDim))]);
}

/** Hands on what it is given, so that a session on a GPU makes tensors there: `resident_query` of `query`, and so on. */
export function identityModel(values: readonly Value[]): Uint8Array {
  const nodes = values.map(({ name }) => node('Identity', [name], `resident_${name}`));
  return model(
    nodes,
    values,
    values.map(({ name, dims }) => ({ name: `resident_${name}`, dims })),
  );
}
