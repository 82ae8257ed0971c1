enable subgroups;

// Dense attention, backward: the gradients of keys and values, by one subgroup a strip of eight key rows. Formula and
// buffers: attention_dense_backward_key_value.wgsl.
//
// Buffers (group 0)
//   query, key, value, output_gradient, key_gradient, value_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         key tiles of up to 8 rows, their ranges of queries, positions (src/plan/plan-words.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid        (key tiles, heads, ceil(headDim / (16 · LANES))). A workgroup owns up to 8 key rows of one sequence in one head.
// Invocations one subgroup. A lane owns the rows' scores against 4 of the step's 4 · LANES queries, and of each gradient every
//             vector whose number is its own modulo LANES. The reasons stand in attention_dense_forward_subgroup.wgsl.

// Lanes of a subgroup, which is the whole workgroup: 4, 8 or more, a power of two.
const LANES = 8u;
// Vectors of each gradient that a lane owns for each row, at most 4.
const OUTPUT_VECTORS = 2u;

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  tiles_at: u32,
  ranges_at: u32,
  positions_at: u32,
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
@group(0) @binding(6) var<storage, read_write> key_gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> value_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 4u * LANES; // queries a step
const MASKED = -1e30;

// A strip's eight rows: a matrix column for each row, four of its queries or channels in it.
struct Strip { upper: mat4x4f, lower: mat4x4f }
// One index for each of the eight rows.
struct Indices { upper: vec4u, lower: vec4u }

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn output_gradient_block(at: vec4u) -> mat4x4f { return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]); }
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
// Eight rows of a key at vector d: each lane loads one row, or two where there are four lanes.
fn key_strip(at: vec2u, d: u32) -> Strip {
  let first = key[at.x + d];
  var second = first;
  if (LANES < 8u) { second = key[at.y + d]; }
  return from_lanes(first, second);
}
// Eight rows of a value at vector d: each lane loads one row, or two where there are four lanes.
fn value_strip(at: vec2u, d: u32) -> Strip {
  let first = value[at.x + d];
  var second = first;
  if (LANES < 8u) { second = value[at.y + d]; }
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
// exp(m - shift) for each query, and exactly 0 where m is MASKED.
fn weight_columns(m: mat4x4f, shift: vec4f) -> mat4x4f {
  let nothing = vec4f();
  let limit = vec4f(0.5 * MASKED);
  return mat4x4f(
    select(nothing, exp(m[0] - shift), m[0] > limit), select(nothing, exp(m[1] - shift), m[1] > limit),
    select(nothing, exp(m[2] - shift), m[2] > limit), select(nothing, exp(m[3] - shift), m[3] > limit),
  );
}
fn weights(scores: Strip, shift: vec4f) -> Strip {
  return Strip(weight_columns(scores.upper, shift), weight_columns(scores.lower, shift));
}

// p · (dp - Δ)
fn score_gradient_columns(p: mat4x4f, dp: mat4x4f, delta: vec4f) -> mat4x4f {
  return mat4x4f(p[0] * (dp[0] - delta), p[1] * (dp[1] - delta), p[2] * (dp[2] - delta), p[3] * (dp[3] - delta));
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
// 1 / (1 - probability) where the pair is kept, else 0: for four queries against one key.
fn kept(query_chains: vec4u, key_position: u32) -> vec4f {
  let words = vec4u(
    chained(query_chains.x, key_position), chained(query_chains.y, key_position),
    chained(query_chains.z, key_position), chained(query_chains.w, key_position),
  );
  return select(vec4f(), vec4f(parameters.dropout_scale), words >= vec4u(parameters.dropout_limit));
}
fn dropped_columns(m: mat4x4f, query_chains: vec4u, keys: vec4u) -> mat4x4f {
  return mat4x4f(
    m[0] * kept(query_chains, keys.x), m[1] * kept(query_chains, keys.y),
    m[2] * kept(query_chains, keys.z), m[3] * kept(query_chains, keys.w),
  );
}
fn dropped(strip: Strip, query_chains: vec4u, keys: Indices) -> Strip {
  return Strip(dropped_columns(strip.upper, query_chains, keys.upper), dropped_columns(strip.lower, query_chains, keys.lower));
}

fn store_key_columns(tokens: vec4u, head: u32, channel: u32, m: mat4x4f, present: vec4<bool>) {
  let at = (tokens * parameters.heads + head) * parameters.head_vectors + channel;
  if (present.x) { key_gradient[at.x] = m[0]; }
  if (present.y) { key_gradient[at.y] = m[1]; }
  if (present.z) { key_gradient[at.z] = m[2]; }
  if (present.w) { key_gradient[at.w] = m[3]; }
}
fn store_value_columns(tokens: vec4u, head: u32, channel: u32, m: mat4x4f, present: vec4<bool>) {
  let at = (tokens * parameters.heads + head) * parameters.head_vectors + channel;
  if (present.x) { value_gradient[at.x] = m[0]; }
  if (present.y) { value_gradient[at.y] = m[1]; }
  if (present.z) { value_gradient[at.z] = m[2]; }
  if (present.w) { value_gradient[at.w] = m[3]; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let tile = parameters.tiles_at + 6u * group.x;
  let head = group.y;
  let row_start = plan[tile];
  let row_count = plan[tile + 1u];
  let first_query = plan[parameters.ranges_at + 2u * plan[tile + 2u]];
  let slot_count = plan[tile + 4u];
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
  var key_positions = Indices();
  if (parameters.dropout_limit > 0u) { key_positions = Indices(positions(tokens.upper), positions(tokens.lower)); }
  let chain = chained(parameters.dropout_stream, head);

  var keys_0 = Strip();
  var keys_1 = Strip();
  var keys_2 = Strip();
  var keys_3 = Strip();
  var values_0 = Strip();
  var values_1 = Strip();
  var values_2 = Strip();
  var values_3 = Strip();

  for (var step = 0u; step < slot_count; step += STEP) {
    let slots = step + 4u * lane + offsets;
    let queries = first_query + min(slots, vec4u(slot_count - 1u));
    let query_at = (queries * heads + head) * vectors;

    var scores = Strip();
    var dp = Strip();
    for (var d = 0u; d < vectors; d++) {
      scores = accumulated(scores, transpose(query_block(query_at + d)), key_strip(own_at, d));
      dp = accumulated(dp, transpose(output_gradient_block(query_at + d)), value_strip(own_at, d));
    }
    scores = Strip(scores.upper * parameters.scale, scores.lower * parameters.scale);
    let at = queries * heads + head;
    let x = statistics[at.x];
    let y = statistics[at.y];
    let z = statistics[at.z];
    let w = statistics[at.w];
    let delta = vec4f(x.y, y.y, z.y, w.y);
    let p = weights(masked(scores, slots < vec4u(slot_count)), vec4f(x.x, y.x, z.x, w.x));
    var kept_p = p;
    if (parameters.dropout_limit > 0u) {
      let chains = each_chained(chain, positions(queries));
      kept_p = dropped(p, chains, key_positions);
      dp = dropped(dp, chains, key_positions);
    }
    let ds = Strip(
      score_gradient_columns(p.upper, dp.upper, delta) * parameters.scale,
      score_gradient_columns(p.lower, dp.lower, delta) * parameters.scale,
    );

    let quads = (min(STEP, slot_count - step) + 3u) / 4u;
    for (var quad = 0u; quad < quads; quad++) {
      let quad_queries = first_query + min(step + 4u * quad + offsets, vec4u(slot_count - 1u));
      let quad_at = (quad_queries * heads + head) * vectors;
      let quad_weights = strip_of_lane(kept_p, quad);
      let quad_gradients = strip_of_lane(ds, quad);
      values_0 = accumulated(values_0, output_gradient_block(quad_at + safe_channels.x), quad_weights);
      keys_0 = accumulated(keys_0, query_block(quad_at + safe_channels.x), quad_gradients);
      if (OUTPUT_VECTORS > 1u) {
        values_1 = accumulated(values_1, output_gradient_block(quad_at + safe_channels.y), quad_weights);
        keys_1 = accumulated(keys_1, query_block(quad_at + safe_channels.y), quad_gradients);
      }
      if (OUTPUT_VECTORS > 2u) {
        values_2 = accumulated(values_2, output_gradient_block(quad_at + safe_channels.z), quad_weights);
        keys_2 = accumulated(keys_2, query_block(quad_at + safe_channels.z), quad_gradients);
      }
      if (OUTPUT_VECTORS > 3u) {
        values_3 = accumulated(values_3, output_gradient_block(quad_at + safe_channels.w), quad_weights);
        keys_3 = accumulated(keys_3, query_block(quad_at + safe_channels.w), quad_gradients);
      }
    }
  }

  let upper_present = offsets < vec4u(row_count);
  let lower_present = offsets + 4u < vec4u(row_count);
  let key_gradients = array<Strip, 4>(keys_0, keys_1, keys_2, keys_3);
  let value_gradients = array<Strip, 4>(values_0, values_1, values_2, values_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      store_key_columns(tokens.upper, head, channels[chunk], key_gradients[chunk].upper, upper_present);
      store_key_columns(tokens.lower, head, channels[chunk], key_gradients[chunk].lower, lower_present);
      store_value_columns(tokens.upper, head, channels[chunk], value_gradients[chunk].upper, upper_present);
      store_value_columns(tokens.lower, head, channels[chunk], value_gradients[chunk].lower, lower_present);
    }
  }
}
