// The gradient of the bias table, first pass: sums over rectangles (a run of query label x a run of key label).
//
//   dB[label i, label j] = Σ dS[i,j]     P[i,j] = exp(S[i,j] - L[i])     dS[i,j] = P[i,j] · (drop(dO_i · v_j) - Δ_i)
//
// The bias of a rectangle is one number, so its gradient is one sum; attention_bias_gradient_sum.wgsl adds the sums of
// equal label pairs in a fixed order. No atomics.
//
// Buffers (group 0)
//   query, key, value, output_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         positions, labels, pair table (src/plan/plan-words.ts)
//   rectangles   tiles of rows of one label, and for each a range for every run of keys it sees (src/plan/rectangles.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
//   partial      [heads, ranges] f32: the sum over one rectangle's part that lies in one tile
// Grid        (rectangle tiles, heads). A workgroup owns up to 32 query rows of one label and all their ranges.
// Invocations as in the forward kernel.

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  tiles_at: u32,
  range_count: u32,
  ranges_at: u32,
  positions_at: u32,
  labels_at: u32,
  table_at: u32,
  table_stride: u32, // from one head's pair table to the next; 0 where all heads share one
  label_count: u32,
  scale: f32,
  dropout_limit: u32, // the probability of dropping, times 2^32; 0 leaves dropout out
  dropout_scale: f32, // 1 / (1 - probability)
  dropout_stream: u32,
}

@group(0) @binding(0) var<storage, read> query: array<vec4f>;
@group(0) @binding(1) var<storage, read> key: array<vec4f>;
@group(0) @binding(2) var<storage, read> value: array<vec4f>;
@group(0) @binding(3) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read> plan: array<u32>;
@group(0) @binding(5) var<storage, read> rectangles: array<u32>;
@group(0) @binding(6) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it.
struct Strip { upper: mat4x4f, lower: mat4x4f }
// One number for each of the eight rows, and one index.
struct Rows { upper: vec4f, lower: vec4f }
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> lane_sums: array<f32, 32>;

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn output_gradient_block(at: vec4u) -> mat4x4f { return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]); }
fn query_strip(at: Indices, d: u32) -> Strip { return Strip(query_block(at.upper + d), query_block(at.lower + d)); }
fn output_gradient_strip(at: Indices, d: u32) -> Strip { return Strip(output_gradient_block(at.upper + d), output_gradient_block(at.lower + d)); }
// sum + block · strip
fn accumulated(sum: Strip, block: mat4x4f, strip: Strip) -> Strip {
  return Strip(sum.upper + block * strip.upper, sum.lower + block * strip.lower);
}

fn row_statistics(at: vec4u) -> array<vec4f, 2> {
  let x = statistics[at.x];
  let y = statistics[at.y];
  let z = statistics[at.z];
  let w = statistics[at.w];
  return array<vec4f, 2>(vec4f(x.x, y.x, z.x, w.x), vec4f(x.y, y.y, z.y, w.y));
}

// A counter-based random word: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. It depends on no tile and on no order.
fn mixed(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  return h ^ (h >> 16u);
}
fn chained(chain: u32, word: u32) -> u32 { return mixed(chain + (word + 1u) * 0x9e3779b9u); }
fn each_chained(chain: u32, words: vec4u) -> vec4u {
  return vec4u(chained(chain, words.x), chained(chain, words.y), chained(chain, words.z), chained(chain, words.w));
}
fn positions(tokens: vec4u) -> vec4u {
  let at = tokens + parameters.positions_at;
  return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]);
}
// 1 / (1 - probability) where the pair is kept, else 0: for one query against four keys.
fn kept(row_chain: u32, keys: vec4u) -> vec4f {
  let keep = each_chained(row_chain, keys) >= vec4u(parameters.dropout_limit);
  return select(vec4f(), vec4f(parameters.dropout_scale), keep);
}
fn dropped_columns(m: mat4x4f, chains: vec4u, keys: vec4u) -> mat4x4f {
  return mat4x4f(m[0] * kept(chains.x, keys), m[1] * kept(chains.y, keys), m[2] * kept(chains.z, keys), m[3] * kept(chains.w, keys));
}
fn dropped(strip: Strip, chains: Indices, keys: vec4u) -> Strip {
  return Strip(dropped_columns(strip.upper, chains.upper, keys), dropped_columns(strip.lower, chains.lower, keys));
}

// Σ p · (dp - Δ) over the present keys of one row.
fn row_gradient(scores: vec4f, dp: vec4f, log_sum: f32, delta: f32, present: vec4<bool>) -> f32 {
  return dot(select(vec4f(), exp(scores - log_sum), present), dp - delta);
}
fn column_gradients(scores: mat4x4f, dp: mat4x4f, log_sums: vec4f, delta: vec4f, present: vec4<bool>) -> vec4f {
  return vec4f(
    row_gradient(scores[0], dp[0], log_sums.x, delta.x, present),
    row_gradient(scores[1], dp[1], log_sums.y, delta.y, present),
    row_gradient(scores[2], dp[2], log_sums.z, delta.z, present),
    row_gradient(scores[3], dp[3], log_sums.w, delta.w, present),
  );
}

@compute @workgroup_size(8, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tile = parameters.tiles_at + 6u * group.x;
  let head = group.y;
  let row_start = rectangles[tile];
  let row_count = rectangles[tile + 1u];
  let first_range = rectangles[tile + 2u];
  let range_count = rectangles[tile + 3u];
  let slot_count = rectangles[tile + 4u];
  let heads = parameters.heads;
  let vectors = parameters.head_vectors;

  // Rows behind the end of the tile repeat its last row, and are not counted. A strip without rows does no products.
  let offsets = vec4u(0u, 1u, 2u, 3u);
  let rows = Indices(8u * local.y + offsets, 8u * local.y + offsets + 4u);
  let last = vec4u(row_count - 1u);
  let tokens = Indices(row_start + min(rows.upper, last), row_start + min(rows.lower, last));
  let row_at = Indices((tokens.upper * heads + head) * vectors, (tokens.lower * heads + head) * vectors);
  let working = 8u * local.y < row_count;
  let upper_present = vec4f(rows.upper < vec4u(row_count));
  let lower_present = vec4f(rows.lower < vec4u(row_count));
  let row_label = plan[parameters.labels_at + row_start];
  let table = parameters.table_at + head * parameters.table_stride + row_label * parameters.label_count;

  let upper_statistics = row_statistics(tokens.upper * heads + head);
  let lower_statistics = row_statistics(tokens.lower * heads + head);
  let log_sums = Rows(upper_statistics[0], lower_statistics[0]);
  let delta = Rows(upper_statistics[1], lower_statistics[1]);
  var chains = Indices();
  if (parameters.dropout_limit > 0u) {
    let chain = chained(parameters.dropout_stream, head);
    chains = Indices(each_chained(chain, positions(tokens.upper)), each_chained(chain, positions(tokens.lower)));
  }

  for (var r = 0u; r < range_count; r++) {
    let range = parameters.ranges_at + 2u * (first_range + r);
    let first_key = rectangles[range];
    let first_slot = rectangles[range + 1u];
    var next_slot = slot_count;
    if (r + 1u < range_count) { next_slot = rectangles[range + 3u]; }
    let key_count = next_slot - first_slot;
    let bias = bitcast<f32>(plan[table + plan[parameters.labels_at + first_key]]);

    var sum = 0.0;
    for (var step = 0u; step < key_count; step += STEP) {
      let slots = step + 4u * local.x + offsets;
      let present = slots < vec4u(key_count);
      let keys = first_key + min(slots, vec4u(key_count - 1u));
      let key_at = (keys * heads + head) * vectors;
      var scores = Strip();
      var dp = Strip();
      let products = select(0u, vectors, working);
      for (var d = 0u; d < products; d++) {
        scores = accumulated(scores, transpose(key_block(key_at + d)), query_strip(row_at, d));
        dp = accumulated(dp, transpose(value_block(key_at + d)), output_gradient_strip(row_at, d));
      }
      if (parameters.dropout_limit > 0u) { dp = dropped(dp, chains, positions(keys)); }
      let shift = Rows(log_sums.upper - bias, log_sums.lower - bias);
      let upper = column_gradients(scores.upper * parameters.scale, dp.upper, shift.upper, delta.upper, present);
      let lower = column_gradients(scores.lower * parameters.scale, dp.lower, shift.lower, delta.lower, present);
      sum += dot(upper, upper_present) + dot(lower, lower_present);
    }

    workgroupBarrier();
    lane_sums[8u * local.y + local.x] = sum;
    workgroupBarrier();
    if (local.x == 0u && local.y == 0u) {
      var total = 0.0;
      for (var lane = 0u; lane < 32u; lane++) { total += lane_sums[lane]; }
      partial[head * parameters.range_count + first_range + r] = total;
    }
  }
}
