// A contender for `parsimony bench attention --contender examples/block-mask-contender.mjs`: block-sparse attention by a bitmask, as
// FlexAttention's BlockMask has it. Tokens stay in reading order. A bit says whether some pair of a 32 x 32 block exists; the others are
// skipped. Forward only, written to be read: one invocation for each query, with online softmax (Milakov and Gimelshein, 2018).

const BLOCK = 32;

const shader = (vectors) => /* wgsl */ `
struct Problem { tokens: u32, heads: u32, labels: u32, words: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> query: array<vec4f>;
@group(0) @binding(1) var<storage, read> key: array<vec4f>;
@group(0) @binding(2) var<storage, read> value: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<storage, read> label_of: array<u32>;
@group(0) @binding(5) var<storage, read> biases: array<f32>;
@group(0) @binding(6) var<storage, read> block_mask: array<u32>; // [query blocks, words]
@group(0) @binding(7) var<storage, read> sequence_of: array<u32>;
@group(1) @binding(0) var<uniform> problem: Problem;

@compute @workgroup_size(${BLOCK})
fn main(@builtin(workgroup_id) block: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = block.x * ${BLOCK}u + lane;
  if (row >= problem.tokens) { return; }
  let stride = problem.heads * ${vectors}u;
  let column = block.y * ${vectors}u;
  var q: array<vec4f, ${vectors}>;
  var sum: array<vec4f, ${vectors}>;
  for (var i = 0u; i < ${vectors}u; i++) { q[i] = query[row * stride + column + i] * problem.scale; }
  var largest = -1e30;
  var total = 0.0;
  for (var word = 0u; word < problem.words; word++) {
    for (var bits = block_mask[block.x * problem.words + word]; bits != 0u; bits &= bits - 1u) {
      let first = (word * 32u + firstTrailingBit(bits)) * ${BLOCK}u;
      for (var k = first; k < min(first + ${BLOCK}u, problem.tokens); k++) {
        let bias = biases[label_of[row] * problem.labels + label_of[k]];
        if (bias < -1e29 || sequence_of[row] != sequence_of[k]) { continue; }
        var score = bias;
        for (var i = 0u; i < ${vectors}u; i++) { score += dot(q[i], key[k * stride + column + i]); }
        let next = max(largest, score);
        let kept = exp(largest - next);
        let weight = exp(score - next);
        total = total * kept + weight;
        for (var i = 0u; i < ${vectors}u; i++) {
          sum[i] = sum[i] * kept + weight * value[k * stride + column + i];
        }
        largest = next;
      }
    }
  }
  let scale = select(0.0, 1.0 / total, total > 0.0);
  for (var i = 0u; i < ${vectors}u; i++) { output[row * stride + column + i] = sum[i] * scale; }
}`;

/** A bit for each pair of blocks: whether one of its pairs of tokens exists. */
function blockMask(tokens, words, exists) {
  const mask = new Uint32Array(Math.ceil(tokens / BLOCK) * words);
  for (let q = 0; q < tokens; q++) {
    for (let k = 0; k < tokens; k++) {
      const block = Math.floor(k / BLOCK);
      if (exists(q, k)) mask[Math.floor(q / BLOCK) * words + (block >> 5)] |= 1 << (block & 31);
    }
  }
  return mask;
}

/** @type {import('parsimony-attention/bench').Contender} */
export default {
  name: 'block bitmask',
  async prepare(device, problem) {
    const { heads, headDim, scale, lengths, labels, labelNames, biases, buffers } = problem;
    // Pairs that depend on positions are left to others.
    if (!biases) return undefined;
    const tokens = labels.length;
    const words = Math.ceil(tokens / BLOCK / 32);
    const sequenceOf = Uint32Array.from(lengths.flatMap((length, at) => Array(length).fill(at)));
    const mask = blockMask(tokens, words, (q, k) => {
      return sequenceOf[q] === sequenceOf[k] && biases[labels[q] * labelNames.length + labels[k]] > -1e29;
    });
    const parameters = new DataView(new ArrayBuffer(32));
    for (const [at, number] of [tokens, heads, labelNames.length, words].entries())
      parameters.setUint32(4 * at, number, true);
    parameters.setFloat32(16, scale, true);

    const owned = [];
    const upload = (data, usage) => {
      const buffer = device.createBuffer({ size: data.byteLength, usage, mappedAtCreation: true });
      new Uint8Array(buffer.getMappedRange()).set(
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
      buffer.unmap();
      owned.push(buffer);
      return buffer;
    };
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: shader(headDim / 4) }) },
    });
    const bind = (group, list) =>
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(group),
        entries: list.map((buffer, binding) => ({ binding, resource: { buffer } })),
      });
    const tables = [Uint32Array.from(labels), biases, mask, sequenceOf].map((table) =>
      upload(table, GPUBufferUsage.STORAGE),
    );
    const groups = [
      bind(0, [buffers.query, buffers.key, buffers.value, buffers.output, ...tables]),
      bind(1, [upload(parameters, GPUBufferUsage.UNIFORM)]),
    ];
    return {
      encodeForward(encoder) {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        for (const [at, group] of groups.entries()) pass.setBindGroup(at, group);
        pass.dispatchWorkgroups(Math.ceil(tokens / BLOCK), heads);
        pass.end();
      },
      release() {
        for (const buffer of owned) buffer.destroy();
      },
    };
  },
};
