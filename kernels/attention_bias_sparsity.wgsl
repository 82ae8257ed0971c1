// The gradient of the sparsity penalty on a layer's bias tables, added to what stands there.
//
//   P = strength · Σ cost[i, j] · σ(x[h, i, j])     x[h, i, j] = B[h, i, j] - log Σ_k share[i, k] · exp B[h, i, k]
//
// σ(x) says how far a pair of tags is kept: the expected number of open gates, as Louizos et al. 2018 (arXiv 1712.01312) penalise
// it. Softmax does not know B but only its differences within a row: if σ saw B itself, lowering a whole row would
// cost the model nothing and take the penalty away without a single pair being given up. So B counts from what the row's keys
// get on average; x is above 0 where a pair gets more than its share, and far below where it may as well not exist.
//
//   s = σ(x)    dP/dB[h, i, j] = strength · (cost[i, j] · s(1 - s)[j] - m[j] · Σ_k cost[i, k] · s(1 - s)[k])
//
// with m[j] = share[i, j] · exp x[h, i, j], what a row of tag i gives to tag j where all scores are alike.
//
// Buffers (group 0)
//   table      [heads, labels, labels] f32, the biases, by query label, then key label
//   pairs      [2, labels, labels] f32: share, which adds up to 1 in each row, or to 0 where no text has the query's label;
//              then cost, 0 for pairs that are kept whatever they get
//   gradient   [heads, labels, labels] f32, added to
// Grid         ceil(heads · labels² / 64), folded over x and y. An invocation owns one entry of the tables.

struct Parameters {
  heads: u32,
  label_count: u32,
  strength: f32,
}

@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> pairs: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const NONE = -1e30;

// σ(x) · (1 - σ(x)), without an exponential that overflows.
fn slope(x: f32) -> f32 {
  let e = exp(-abs(x));
  return e / ((1.0 + e) * (1.0 + e));
}

// share · exp(B - largest)
fn attraction(share_at: u32, bias_at: u32, largest: f32) -> f32 {
  let share = pairs[share_at];
  if (share == 0.0) { return 0.0; }
  return share * exp(table[bias_at] - largest);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let labels = parameters.label_count;
  let entry = id.x + 64u * groups.x * id.y;
  if (entry >= parameters.heads * labels * labels) { return; }
  let row = entry - entry % labels;
  let share_at = row % (labels * labels);
  let cost_at = share_at + labels * labels;

  // Keys that no text has count for nothing, however large their bias.
  var largest = NONE;
  for (var k = 0u; k < labels; k++) {
    largest = max(largest, select(NONE, table[row + k], pairs[share_at + k] > 0.0));
  }
  if (largest == NONE) { return; }
  var sum = 0.0;
  for (var k = 0u; k < labels; k++) { sum += attraction(share_at + k, row + k, largest); }
  let average = largest + log(sum);

  var slopes = 0.0;
  for (var k = 0u; k < labels; k++) { slopes += pairs[cost_at + k] * slope(table[row + k] - average); }
  let j = entry % labels;
  let lost = attraction(share_at + j, entry, largest) / sum * slopes;
  gradient[entry] += parameters.strength * (pairs[cost_at + j] * slope(table[entry] - average) - lost);
}
