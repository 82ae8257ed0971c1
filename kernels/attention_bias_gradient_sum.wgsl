// The gradient of the bias table, second pass: the sums of all rectangles with equal labels, added in a fixed order.
//
//   gradient[h, i, j] = Σ partial[h, r] over the rectangles r of query label i and key label j
//
// Buffers (group 0)
//   partial    [heads, ranges] f32, from attention_bias_gradient.wgsl
//   rectangles at `pairs_at`: for each label pair, and one past the last, where its list begins; at `entries_at`:
//              the lists, each of numbers of ranges
//   gradient   [heads, labels, labels] f32
// Grid         ceil(heads · labels² / 64). An invocation owns one entry of the table.

struct Parameters {
  heads: u32,
  pair_count: u32, // labels²
  range_count: u32,
  pairs_at: u32,
  entries_at: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> rectangles: array<u32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let entry = id.x;
  if (entry >= parameters.heads * parameters.pair_count) { return; }
  let head = entry / parameters.pair_count;
  let pair = entry % parameters.pair_count;
  let end = rectangles[parameters.pairs_at + pair + 1u];
  var sum = 0.0;
  for (var i = rectangles[parameters.pairs_at + pair]; i < end; i++) {
    sum += partial[head * parameters.range_count + rectangles[parameters.entries_at + i]];
  }
  gradient[entry] = sum;
}
