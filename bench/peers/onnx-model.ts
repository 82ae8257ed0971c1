import { PbfWriter } from 'pbf';

/** The shape of one attention, batch 1. */
interface OnnxShape {
  tokens: number;
  heads: number;
  headDim: number;
  /** Whether the graph has an additive [tokens, tokens] mask as its fourth input. */
  mask: boolean;
}

/** The versions of the standard's operators and of onnxruntime's. The version of the file format goes with them. */
const OPSETS = [
  { domain: '', version: 17 },
  { domain: 'com.microsoft', version: 1 },
];
const IR_VERSION = 8;

const FLOAT_TENSOR = 1;

/** The numbers of AttributeProto's types. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 };

/** Writes the fields of a message. */
type Message = (pbf: PbfWriter) => void;

function message(...fields: readonly Message[]): Message {
  return (pbf) => {
    for (const write of fields) write(pbf);
  };
}

function int(field: number, value: number): Message {
  return (pbf) => pbf.writeVarintField(field, value);
}

function text(field: number, value: string): Message {
  return (pbf) => pbf.writeStringField(field, value);
}

function within(field: number, inner: Message): Message {
  return (pbf) => pbf.writeMessage(field, (_, nested) => inner(nested), undefined);
}

type Attributes = Record<string, { float: number } | { int: number } | { ints: readonly number[] }>;

interface Value {
  name: string;
  dims: readonly number[];
}

function attribute(name: string, value: Attributes[string]): Message {
  if ('float' in value)
    return message(text(1, name), (pbf) => pbf.writeFloatField(2, value.float), int(20, ATTRIBUTE.float));
  if ('int' in value) return message(text(1, name), int(3, value.int), int(20, ATTRIBUTE.int));
  return message(text(1, name), (pbf) => pbf.writePackedVarint(8, [...value.ints]), int(20, ATTRIBUTE.ints));
}

/** A NodeProto; an empty input name is an input that is left out. */
function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
  domain = '',
): Message {
  return message(
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, `make_${output}`),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => within(5, attribute(name, value))),
    text(7, domain),
  );
}

/** A ValueInfoProto of an f32 tensor. */
function valueInfo({ name, dims }: Value): Message {
  const shape = message(...dims.map((size) => within(1, int(1, size))));
  const tensor = message(int(1, FLOAT_TENSOR), within(2, shape));
  return message(text(1, name), within(2, within(1, tensor)));
}

/** A TensorProto of one f32 number, which broadcasts to any shape. */
function scalar(name: string, value: number): Message {
  return message(int(2, FLOAT_TENSOR), text(8, name), (pbf) =>
    pbf.writeBytesField(9, new Uint8Array(Float32Array.of(value).buffer)),
  );
}

function model(
  nodes: readonly Message[],
  inputs: readonly Value[],
  outputs: readonly Value[],
  constants: readonly Message[] = [],
): Uint8Array {
  const graph = message(
    ...nodes.map((each) => within(1, each)),
    text(2, 'attention'),
    ...constants.map((each) => within(5, each)),
    ...inputs.map((each) => within(11, valueInfo(each))),
    ...outputs.map((each) => within(12, valueInfo(each))),
  );
  const opsets = OPSETS.map(({ domain, version }) => within(8, message(text(1, domain), int(2, version))));
  const pbf = new PbfWriter();
  message(int(1, IR_VERSION), text(2, 'parsimony'), within(7, graph), ...opsets)(pbf);
  return pbf.finish();
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

/** Returns its inputs, so that a session on a GPU makes tensors there: `resident_query` from `query`, and so on. */
export function identityModel(values: readonly Value[]): Uint8Array {
  const nodes = values.map(({ name }) => node('Identity', [name], `resident_${name}`));
  return model(
    nodes,
    values,
    values.map(({ name, dims }) => ({ name: `resident_${name}`, dims })),
  );
}
