// The gradient of the bias table, last pass: the sums of all chunks of a query label, in a fixed order.
//
//   dB[h, i, j] = Σ dS[a, b] over the queries a of label i and the keys b of label j = Σ partial[c, h, j] over the chunks c of i
//
// Buffers (group 0)
//   partial    [chunks, heads, labels] f32, from attention_bias_chunks.wgsl
//   chunks     at `tags_at`: for each label, and one past the last, where its list begins; at `entries_at`: the lists
//   gradient   [heads, labels, labels] f32, by query label, then key label
// Grid         ceil(heads · labels² / 64), folded over x and y. An invocation owns one entry of the table.
// Invocations  64

struct Parameters {
  heads: u32,
  label_count: u32,
  tags_at: u32,
  entries_at: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> chunks: array<u32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let labels = parameters.label_count;
  let entry = id.x + 64u * groups.x * id.y;
  if (entry >= parameters.heads * labels * labels) { return; }
  let head = entry / (labels * labels);
  let query_label = entry / labels % labels;
  let at = head * labels + entry % labels;
  let end = chunks[parameters.tags_at + query_label + 1u];
  var sum = 0.0;
  for (var i = chunks[parameters.tags_at + query_label]; i < end; i++) {
    sum += partial[chunks[parameters.entries_at + i] * parameters.heads * labels + at];
  }
  gradient[entry] = sum;
}
