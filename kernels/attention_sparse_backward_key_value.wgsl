// Block-sparse attention, backward: the gradients of keys and values.
//
//   P[i,j] = exp(S[i,j] - L[i])      dS[i,j] = P[i,j] · (drop(dO_i · v_j) - Δ_i)      with Δ_i = dO_i · O_i
//   dv_j = Σ_i drop(P[i,j]) dO_i     dk_j = scale · Σ_i dS[i,j] q_i
//
// The transposed pass: a tile is of key rows, its slots are the queries that see them. No atomics: a workgroup owns its
// rows, the order of every sum is fixed (Dao et al. 2022, arXiv 2205.14135, algorithm 4, with its loops exchanged).
//
// Buffers (group 0)
//   query, key, value, output_gradient, key_gradient, value_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         key tiles, their ranges of queries, positions, labels, pair table (src/plan/plan-words.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid        (key tiles, heads, ceil(headDim / 64)). A workgroup owns up to 32 key rows of one sequence in one head, and 64
//             channels of their gradients: more would not fit the registers.
// Invocations 8 across x 4 down. An invocation owns a strip of 8 key rows: their scores against 4 of the step's 32 queries,
//             and of the workgroup's channels every vector whose number is its own x modulo 8.

// Vectors of each gradient that an invocation owns for each row: 1 for headDim up to 32, else 2.
const OUTPUT_VECTORS = 2u;

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  tiles_at: u32,
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
@group(0) @binding(6) var<storage, read_write> key_gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> value_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // queries a step
const MASKED = -1e30;

// A strip's eight rows: a matrix column for each row, four of its queries or channels in it.
struct Strip { upper: mat4x4f, lower: mat4x4f }
// One index for each of the eight rows.
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> probabilities: array<vec4f, 256>; // [row of the tile][query of the step / 4]
var<workgroup> score_gradients: array<vec4f, 256>; // likewise
var<workgroup> step_queries: array<vec4u, 8>;

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn output_gradient_block(at: vec4u) -> mat4x4f { return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]); }
fn key_strip(at: Indices, d: u32) -> Strip { return Strip(key_block(at.upper + d), key_block(at.lower + d)); }
fn value_strip(at: Indices, d: u32) -> Strip { return Strip(value_block(at.upper + d), value_block(at.lower + d)); }
fn probability_strip(at: u32) -> Strip {
  return Strip(
    mat4x4f(probabilities[at], probabilities[at + 8u], probabilities[at + 16u], probabilities[at + 24u]),
    mat4x4f(probabilities[at + 32u], probabilities[at + 40u], probabilities[at + 48u], probabilities[at + 56u]),
  );
}
fn score_gradient_strip(at: u32) -> Strip {
  return Strip(
    mat4x4f(score_gradients[at], score_gradients[at + 8u], score_gradients[at + 16u], score_gradients[at + 24u]),
    mat4x4f(score_gradients[at + 32u], score_gradients[at + 40u], score_gradients[at + 48u], score_gradients[at + 56u]),
  );
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

// The ranges of queries of a tile stand one behind another as "slots" 0 .. slot_count - 1; a cursor remembers the range that
// the invocation's last slot was in. Slots only ever ascend.
fn query_of_slot(slot: u32, cursor: ptr<function, u32>, last_range: u32) -> u32 {
  while (*cursor < last_range && plan[parameters.ranges_at + 2u * *cursor + 3u] <= slot) { *cursor += 1u; }
  let range = parameters.ranges_at + 2u * *cursor;
  return plan[range] + slot - plan[range + 1u];
}
fn queries_of_slots(slots: vec4u, cursor: ptr<function, u32>, last_range: u32) -> vec4u {
  let x = query_of_slot(slots.x, cursor, last_range);
  let y = query_of_slot(slots.y, cursor, last_range);
  let z = query_of_slot(slots.z, cursor, last_range);
  let w = query_of_slot(slots.w, cursor, last_range);
  return vec4u(x, y, z, w);
}
fn labels(tokens: vec4u) -> vec4u {
  let at = tokens + parameters.labels_at;
  return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]);
}
// The pair table's entries of four queries against one key row: a bias, or MASKED for a pair that does not exist.
fn pair_biases(query_tables: vec4u, key_label: u32) -> vec4f {
  let at = query_tables + key_label;
  return bitcast<vec4f>(vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]));
}
fn biased_columns(m: mat4x4f, query_tables: vec4u, key_labels: vec4u) -> mat4x4f {
  return m + mat4x4f(
    pair_biases(query_tables, key_labels.x), pair_biases(query_tables, key_labels.y),
    pair_biases(query_tables, key_labels.z), pair_biases(query_tables, key_labels.w),
  );
}
fn biased(scores: Strip, query_tables: vec4u, key_labels: Indices) -> Strip {
  return Strip(
    biased_columns(scores.upper, query_tables, key_labels.upper),
    biased_columns(scores.lower, query_tables, key_labels.lower),
  );
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

fn store_key_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { key_gradient[at.x] = m[0]; }
  if (present.y) { key_gradient[at.y] = m[1]; }
  if (present.z) { key_gradient[at.z] = m[2]; }
  if (present.w) { key_gradient[at.w] = m[3]; }
}
fn store_value_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { value_gradient[at.x] = m[0]; }
  if (present.y) { value_gradient[at.y] = m[1]; }
  if (present.z) { value_gradient[at.z] = m[2]; }
  if (present.w) { value_gradient[at.w] = m[3]; }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tile = parameters.tiles_at + 6u * group.x;
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
  let channels = vec2u(0u, 8u) + 16u * group.z + local.x;
  let safe_channels = min(channels, vec2u(vectors - 1u));

  var key_labels = Indices();
  if (tested) { key_labels = Indices(labels(tokens.upper), labels(tokens.lower)); }
  let table = parameters.table_at + head * parameters.table_stride;
  var key_positions = Indices();
  if (parameters.dropout_limit > 0u) { key_positions = Indices(positions(tokens.upper), positions(tokens.lower)); }
  let chain = chained(parameters.dropout_stream, head);

  var keys_0 = Strip();
  var keys_1 = Strip();
  var values_0 = Strip();
  var values_1 = Strip();

  for (var step = 0u; step < slot_count; step += STEP) {
    let slots = step + 4u * local.x + offsets;
    let queries = queries_of_slots(min(slots, vec4u(slot_count - 1u)), &cursor, last_range);
    let query_at = (queries * heads + head) * vectors;

    var scores = Strip();
    var dp = Strip();
    let products = select(0u, vectors, working);
    for (var d = 0u; d < products; d++) {
      scores = accumulated(scores, transpose(query_block(query_at + d)), key_strip(row_at, d));
      dp = accumulated(dp, transpose(output_gradient_block(query_at + d)), value_strip(row_at, d));
    }
    scores = Strip(scores.upper * parameters.scale, scores.lower * parameters.scale);
    if (tested) { scores = biased(scores, table + labels(queries) * parameters.label_count, key_labels); }
    let at = queries * heads + head;
    let x = statistics[at.x];
    let y = statistics[at.y];
    let z = statistics[at.z];
    let w = statistics[at.w];
    let delta = vec4f(x.y, y.y, z.y, w.y);
    var p = weights(masked(scores, slots < vec4u(slot_count)), vec4f(x.x, y.x, z.x, w.x));
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

    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      let mine = strip + 8u * i + local.x;
      probabilities[mine] = kept_p.upper[i];
      probabilities[mine + 32u] = kept_p.lower[i];
      score_gradients[mine] = ds.upper[i];
      score_gradients[mine + 32u] = ds.lower[i];
    }
    if (local.y == 0u) { step_queries[local.x] = queries; }
    workgroupBarrier();

    let quads = select(0u, (min(STEP, slot_count - step) + 3u) / 4u, working);
    for (var quad = 0u; quad < quads; quad++) {
      let quad_at = (step_queries[quad] * heads + head) * vectors;
      let quad_weights = probability_strip(strip + quad);
      let quad_gradients = score_gradient_strip(strip + quad);
      values_0 = accumulated(values_0, output_gradient_block(quad_at + safe_channels.x), quad_weights);
      keys_0 = accumulated(keys_0, query_block(quad_at + safe_channels.x), quad_gradients);
      if (OUTPUT_VECTORS > 1u) {
        values_1 = accumulated(values_1, output_gradient_block(quad_at + safe_channels.y), quad_weights);
        keys_1 = accumulated(keys_1, query_block(quad_at + safe_channels.y), quad_gradients);
      }
    }
  }

  let key_gradients = array<Strip, 2>(keys_0, keys_1);
  let value_gradients = array<Strip, 2>(values_0, values_1);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      let upper_at = row_at.upper + channels[chunk];
      let lower_at = row_at.lower + channels[chunk];
      store_key_columns(upper_at, key_gradients[chunk].upper, rows.upper < vec4u(row_count));
      store_key_columns(lower_at, key_gradients[chunk].lower, rows.lower < vec4u(row_count));
      store_value_columns(upper_at, value_gradients[chunk].upper, rows.upper < vec4u(row_count));
      store_value_columns(lower_at, value_gradients[chunk].lower, rows.lower < vec4u(row_count));
    }
  }
}
