// The gradient of the bias table, second pass: sums over chunks of rows of one label.
//
//   partial[c, h, j] = Σ label_gradients[i, h, j] over the rows i of chunk c
//
// The first pass is attention_sparse_backward_query.wgsl; the third, attention_bias_gradient.wgsl, adds the chunks of equal
// labels. Every sum is taken in one order only, without atomics.
//
// Buffers (group 0)
//   label_gradients   [tokens, heads, labels] f32: of each row, Σ dS over the keys of each label
//   chunks            from `chunks_at` on, two words a chunk: first row, rows (src/plan/run-chunks.ts)
//   partial           [chunks, heads, labels] f32
// Grid         (ceil(heads · labels / 64), chunks), the chunks folded over y and z. An invocation owns one number of one chunk.
// Invocations  64

struct Parameters {
  width: u32, // heads · labels
  chunks_at: u32,
  chunk_count: u32,
}

@group(0) @binding(0) var<storage, read> label_gradients: array<f32>;
@group(0) @binding(1) var<storage, read> chunks: array<u32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let chunk = id.y + groups.y * id.z;
  if (id.x >= parameters.width || chunk >= parameters.chunk_count) { return; }
  let at = parameters.chunks_at + 2u * chunk;
  let first = chunks[at];
  let rows = chunks[at + 1u];
  var sum = 0.0;
  for (var row = 0u; row < rows; row++) { sum += label_gradients[(first + row) * parameters.width + id.x]; }
  partial[chunk * parameters.width + id.x] = sum;
}
