enable subgroups;

// Block-sparse attention, backward: the gradient of the queries, by one subgroup a strip of eight rows. Formula and
// buffers: attention_sparse_backward_query.wgsl.
//
// Buffers (group 0)
//   query, key, value, output_gradient, query_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         tiles of up to 8 rows, ranges, positions, labels, pair table (src/plan/plan-words.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid and invocations as in attention_sparse_forward_subgroup.wgsl, and so are the reasons.

// Lanes of a subgroup, which is the whole workgroup: 4, 8 or more, a power of two.
const LANES = 8u;
// Vectors of the gradient that a lane owns for each row, at most 4.
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

const STEP = 4u * LANES; // keys a step
const MASKED = -1e30;

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it.
struct Strip { upper: mat4x4f, lower: mat4x4f }
// One number for each of the eight rows, and one index.
struct Rows { upper: vec4f, lower: vec4f }
struct Indices { upper: vec4u, lower: vec4u }

fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
// Where a lane's second row stands among the lanes: four lanes load two rows each, eight load one.
const LOWER = select(0u, 4u, LANES >= 8u);

fn from_lanes(upper: vec4f, lower: vec4f) -> Strip {
  return Strip(
    mat4x4f(
      subgroupBroadcast(upper, 0u), subgroupBroadcast(upper, 1u),
      subgroupBroadcast(upper, 2u), subgroupBroadcast(upper, 3u),
    ),
    mat4x4f(
      subgroupBroadcast(lower, LOWER), subgroupBroadcast(lower, LOWER + 1u),
      subgroupBroadcast(lower, LOWER + 2u), subgroupBroadcast(lower, LOWER + 3u),
    ),
  );
}
// Eight rows of a query at vector d: each lane loads one row, or two where there are four lanes.
fn query_strip(at: vec2u, d: u32) -> Strip {
  let first = query[at.x + d];
  var second = first;
  if (LANES < 8u) { second = query[at.y + d]; }
  return from_lanes(first, second);
}
// Eight rows of a output gradient at vector d: each lane loads one row, or two where there are four lanes.
fn output_gradient_strip(at: vec2u, d: u32) -> Strip {
  let first = output_gradient[at.x + d];
  var second = first;
  if (LANES < 8u) { second = output_gradient[at.y + d]; }
  return from_lanes(first, second);
}
fn matrix_of_lane(m: mat4x4f, lane: u32) -> mat4x4f {
  return mat4x4f(
    subgroupShuffle(m[0], lane), subgroupShuffle(m[1], lane),
    subgroupShuffle(m[2], lane), subgroupShuffle(m[3], lane),
  );
}
fn strip_of_lane(strip: Strip, lane: u32) -> Strip {
  return Strip(matrix_of_lane(strip.upper, lane), matrix_of_lane(strip.lower, lane));
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

fn store_columns(tokens: vec4u, head: u32, channel: u32, m: mat4x4f, present: vec4<bool>) {
  let at = (tokens * parameters.heads + head) * parameters.head_vectors + channel;
  if (present.x) { query_gradient[at.x] = m[0]; }
  if (present.y) { query_gradient[at.y] = m[1]; }
  if (present.z) { query_gradient[at.z] = m[2]; }
  if (present.w) { query_gradient[at.w] = m[3]; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
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

  // Rows behind the end of the tile repeat its last row, and are not stored.
  let offsets = vec4u(0u, 1u, 2u, 3u);
  let last = row_count - 1u;
  let tokens = Indices(row_start + min(offsets, vec4u(last)), row_start + min(offsets + 4u, vec4u(last)));
  let own_rows = row_start + min(vec2u(min(lane, 7u), lane + 4u), vec2u(last));
  let own_at = (own_rows * heads + head) * vectors;
  let channels = 4u * LANES * group.z + LANES * offsets + lane;
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
    let slots = step + 4u * lane + offsets;
    let keys = keys_of_slots(min(slots, vec4u(slot_count - 1u)), &cursor, last_range);
    let key_at = (keys * heads + head) * vectors;

    var scores = Strip();
    var dp = Strip();
    for (var d = 0u; d < vectors; d++) {
      scores = accumulated(scores, transpose(key_block(key_at + d)), query_strip(own_at, d));
      dp = accumulated(dp, transpose(value_block(key_at + d)), output_gradient_strip(own_at, d));
    }
    scores = Strip(scores.upper * parameters.scale, scores.lower * parameters.scale);
    if (tested) { scores = biased(scores, tables, labels(keys)); }
    let p = weights(masked(scores, slots < vec4u(slot_count)), log_sums);
    if (parameters.dropout_limit > 0u) { dp = dropped(dp, chains, positions(keys)); }
    let ds = Strip(
      score_gradient_columns(p.upper, dp.upper, delta.upper) * parameters.scale,
      score_gradient_columns(p.lower, dp.lower, delta.lower) * parameters.scale,
    );

    let quads = (min(STEP, slot_count - step) + 3u) / 4u;
    for (var quad = 0u; quad < quads; quad++) {
      let quad_keys = subgroupShuffle(keys, quad);
      let quad_at = (quad_keys * heads + head) * vectors;
      let quad_gradients = strip_of_lane(ds, quad);
      gradient_0 = accumulated(gradient_0, key_block(quad_at + safe_channels.x), quad_gradients);
      if (OUTPUT_VECTORS > 1u) { gradient_1 = accumulated(gradient_1, key_block(quad_at + safe_channels.y), quad_gradients); }
      if (OUTPUT_VECTORS > 2u) { gradient_2 = accumulated(gradient_2, key_block(quad_at + safe_channels.z), quad_gradients); }
      if (OUTPUT_VECTORS > 3u) { gradient_3 = accumulated(gradient_3, key_block(quad_at + safe_channels.w), quad_gradients); }
    }
  }

  let upper_present = offsets < vec4u(row_count);
  let lower_present = offsets + 4u < vec4u(row_count);
  let gradients = array<Strip, 4>(gradient_0, gradient_1, gradient_2, gradient_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      store_columns(tokens.upper, head, channels[chunk], gradients[chunk].upper, upper_present);
      store_columns(tokens.lower, head, channels[chunk], gradients[chunk].lower, lower_present);
    }
  }
}
