// Block-sparse attention, backward: the gradient of the queries.
//
//   P[i,j] = exp(S[i,j] - L[i])      dS[i,j] = P[i,j] · (drop(dO_i · v_j) - Δ_i)      dq_i = scale · Σ_j dS[i,j] k_j
//   with Δ_i = dO_i · O_i
//
// Scores are computed again instead of being kept (Dao et al. 2022, arXiv 2205.14135, algorithm 4). No atomics: a
// workgroup owns its rows, the order of every sum is fixed.
//
// Buffers (group 0)
//   query, key, value, output_gradient, query_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         tiles, ranges, positions, labels, pair table (src/plan/plan-words.ts): the forward pass's
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid and invocations as in the forward kernel.

// Vectors of the gradient that an invocation owns for each row: ceil(headDim / 32).
const OUTPUT_VECTORS = 2u;

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
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
@group(0) @binding(5) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> query_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step
const MASKED = -1e30;

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it.
struct Strip { upper: mat4x4f, lower: mat4x4f }
// One number for each of the eight rows, and one index.
struct Rows { upper: vec4f, lower: vec4f }
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> score_gradients: array<vec4f, 256>; // [row of the tile][key of the step / 4]
var<workgroup> step_keys: array<vec4u, 8>;

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn output_gradient_block(at: vec4u) -> mat4x4f { return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]); }
fn query_strip(at: Indices, d: u32) -> Strip { return Strip(query_block(at.upper + d), query_block(at.lower + d)); }
fn output_gradient_strip(at: Indices, d: u32) -> Strip { return Strip(output_gradient_block(at.upper + d), output_gradient_block(at.lower + d)); }
fn score_gradient_strip(at: u32) -> Strip {
  return Strip(
    mat4x4f(score_gradients[at], score_gradients[at + 8u], score_gradients[at + 16u], score_gradients[at + 24u]),
    mat4x4f(score_gradients[at + 32u], score_gradients[at + 40u], score_gradients[at + 48u], score_gradients[at + 56u]),
  );
}
fn keep_score_gradients(at: u32, strip: Strip) {
  for (var i = 0u; i < 4u; i++) {
    score_gradients[at + 8u * i] = strip.upper[i];
    score_gradients[at + 32u + 8u * i] = strip.lower[i];
  }
}

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

fn masked_columns(m: mat4x4f, present: vec4<bool>) -> mat4x4f {
  let nothing = vec4f(MASKED);
  return mat4x4f(
    select(nothing, m[0], present), select(nothing, m[1], present),
    select(nothing, m[2], present), select(nothing, m[3], present),
  );
}
// MASKED for slots behind the last one.
fn masked(scores: Strip, present: vec4<bool>) -> Strip {
  return Strip(masked_columns(scores.upper, present), masked_columns(scores.lower, present));
}
// exp(m - shift) for each row, and exactly 0 where m is MASKED: exp(MASKED - MASKED) would be 1.
fn weight_columns(m: mat4x4f, shift: vec4f) -> mat4x4f {
  let nothing = vec4f();
  let limit = vec4f(0.5 * MASKED);
  return mat4x4f(
    select(nothing, exp(m[0] - shift.x), m[0] > limit), select(nothing, exp(m[1] - shift.y), m[1] > limit),
    select(nothing, exp(m[2] - shift.z), m[2] > limit), select(nothing, exp(m[3] - shift.w), m[3] > limit),
  );
}
fn weights(scores: Strip, shift: Rows) -> Strip {
  return Strip(weight_columns(scores.upper, shift.upper), weight_columns(scores.lower, shift.lower));
}

// p · (dp - Δ)
fn score_gradient_columns(p: mat4x4f, dp: mat4x4f, delta: vec4f) -> mat4x4f {
  return mat4x4f(p[0] * (dp[0] - delta.x), p[1] * (dp[1] - delta.y), p[2] * (dp[2] - delta.z), p[3] * (dp[3] - delta.w));
}

// The key ranges of a tile stand one behind another as "slots" 0 .. slot_count - 1; a cursor remembers the range that
// the invocation's last slot was in. Slots only ever ascend.
fn key_of_slot(slot: u32, cursor: ptr<function, u32>, last_range: u32) -> u32 {
  while (*cursor < last_range && plan[parameters.ranges_at + 2u * *cursor + 3u] <= slot) { *cursor += 1u; }
  let range = parameters.ranges_at + 2u * *cursor;
  return plan[range] + slot - plan[range + 1u];
}
fn keys_of_slots(slots: vec4u, cursor: ptr<function, u32>, last_range: u32) -> vec4u {
  let x = key_of_slot(slots.x, cursor, last_range);
  let y = key_of_slot(slots.y, cursor, last_range);
  let z = key_of_slot(slots.z, cursor, last_range);
  let w = key_of_slot(slots.w, cursor, last_range);
  return vec4u(x, y, z, w);
}
fn labels(tokens: vec4u) -> vec4u {
  let at = tokens + parameters.labels_at;
  return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]);
}
// The pair table's entries of one query row against four keys: a bias, or MASKED for a pair that does not exist.
fn pair_biases(row: u32, key_labels: vec4u) -> vec4f {
  let at = row + key_labels;
  return bitcast<vec4f>(vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]));
}
fn biased_columns(m: mat4x4f, rows: vec4u, key_labels: vec4u) -> mat4x4f {
  return m + mat4x4f(
    pair_biases(rows.x, key_labels), pair_biases(rows.y, key_labels),
    pair_biases(rows.z, key_labels), pair_biases(rows.w, key_labels),
  );
}
fn biased(scores: Strip, rows: Indices, key_labels: vec4u) -> Strip {
  return Strip(biased_columns(scores.upper, rows.upper, key_labels), biased_columns(scores.lower, rows.lower, key_labels));
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

fn store_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { query_gradient[at.x] = m[0]; }
  if (present.y) { query_gradient[at.y] = m[1]; }
  if (present.z) { query_gradient[at.z] = m[2]; }
  if (present.w) { query_gradient[at.w] = m[3]; }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tile = 6u * group.x;
  let head = group.y;
  let row_start = plan[tile];
  let row_count = plan[tile + 1u];
  var cursor = plan[tile + 2u];
  let last_range = cursor + plan[tile + 3u] - 1u;
  let slot_count = plan[tile + 4u];
  let tested = plan[tile + 5u] != 0u;
  let heads = parameters.heads;
  let vectors = parameters.head_vectors;

  // Rows behind the end of the tile repeat its last row, and are not stored. A strip without rows does no products.
  let offsets = vec4u(0u, 1u, 2u, 3u);
  let rows = Indices(8u * local.y + offsets, 8u * local.y + offsets + 4u);
  let last = vec4u(row_count - 1u);
  let tokens = Indices(row_start + min(rows.upper, last), row_start + min(rows.lower, last));
  let row_at = Indices((tokens.upper * heads + head) * vectors, (tokens.lower * heads + head) * vectors);
  let working = 8u * local.y < row_count;
  let strip = 64u * local.y; // of the shared strips
  let channels = vec4u(0u, 8u, 16u, 24u) + local.x;
  let safe_channels = min(channels, vec4u(vectors - 1u));

  let upper_statistics = row_statistics(tokens.upper * heads + head);
  let lower_statistics = row_statistics(tokens.lower * heads + head);
  let log_sums = Rows(upper_statistics[0], lower_statistics[0]);
  let delta = Rows(upper_statistics[1], lower_statistics[1]);
  var tables = Indices();
  if (tested) {
    let table = parameters.table_at + head * parameters.table_stride;
    tables = Indices(table + labels(tokens.upper) * parameters.label_count, table + labels(tokens.lower) * parameters.label_count);
  }
  var chains = Indices();
  if (parameters.dropout_limit > 0u) {
    let chain = chained(parameters.dropout_stream, head);
    chains = Indices(each_chained(chain, positions(tokens.upper)), each_chained(chain, positions(tokens.lower)));
  }

  var gradient_0 = Strip();
  var gradient_1 = Strip();
  var gradient_2 = Strip();
  var gradient_3 = Strip();

  for (var step = 0u; step < slot_count; step += STEP) {
    let slots = step + 4u * local.x + offsets;
    let keys = keys_of_slots(min(slots, vec4u(slot_count - 1u)), &cursor, last_range);
    let key_at = (keys * heads + head) * vectors;

    var scores = Strip();
    var dp = Strip();
    let products = select(0u, vectors, working);
    for (var d = 0u; d < products; d++) {
      scores = accumulated(scores, transpose(key_block(key_at + d)), query_strip(row_at, d));
      dp = accumulated(dp, transpose(value_block(key_at + d)), output_gradient_strip(row_at, d));
    }
    scores = Strip(scores.upper * parameters.scale, scores.lower * parameters.scale);
    if (tested) { scores = biased(scores, tables, labels(keys)); }
    let p = weights(masked(scores, slots < vec4u(slot_count)), log_sums);
    if (parameters.dropout_limit > 0u) { dp = dropped(dp, chains, positions(keys)); }
    let ds = Strip(
      score_gradient_columns(p.upper, dp.upper, delta.upper) * parameters.scale,
      score_gradient_columns(p.lower, dp.lower, delta.lower) * parameters.scale,
    );

    workgroupBarrier();
    keep_score_gradients(strip + local.x, ds);
    if (local.y == 0u) { step_keys[local.x] = keys; }
    workgroupBarrier();

    let quads = select(0u, (min(STEP, slot_count - step) + 3u) / 4u, working);
    for (var quad = 0u; quad < quads; quad++) {
      let quad_at = (step_keys[quad] * heads + head) * vectors;
      let quad_gradients = score_gradient_strip(strip + quad);
      gradient_0 = accumulated(gradient_0, key_block(quad_at + safe_channels.x), quad_gradients);
      if (OUTPUT_VECTORS > 1u) { gradient_1 = accumulated(gradient_1, key_block(quad_at + safe_channels.y), quad_gradients); }
      if (OUTPUT_VECTORS > 2u) { gradient_2 = accumulated(gradient_2, key_block(quad_at + safe_channels.z), quad_gradients); }
      if (OUTPUT_VECTORS > 3u) { gradient_3 = accumulated(gradient_3, key_block(quad_at + safe_channels.w), quad_gradients); }
    }
  }

  let gradients = array<Strip, 4>(gradient_0, gradient_1, gradient_2, gradient_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      store_columns(row_at.upper + channels[chunk], gradients[chunk].upper, rows.upper < vec4u(row_count));
      store_columns(row_at.lower + channels[chunk], gradients[chunk].lower, rows.lower < vec4u(row_count));
    }
  }
}
