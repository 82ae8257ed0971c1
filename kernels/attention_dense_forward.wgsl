// Dense attention, forward: every query of a sequence sees every key of it.
//
//   S[i,j] = scale · q_i · k_j      L[i] = log Σ_j exp S[i,j]      o_i = Σ_j drop(exp(S[i,j] - L[i])) · v_j
//
// One pass over the keys with a running maximum (online softmax: Milakov & Gimelshein 2018, arXiv 1805.02867; as tiles:
// Dao et al. 2022, arXiv 2205.14135). No array of size tokens x tokens exists.
//
// Buffers (group 0)
//   query, key, value, output   [tokens, heads, headDim] f32, read as vec4f
//   plan                        tiles, ranges, positions (src/plan/plan-words.ts)
//   log_sum_exp                 [tokens, heads] f32, natural logarithm
// Grid        (tiles, heads). A workgroup owns up to 32 query rows of one sequence in one head.
// Invocations 8 across x 4 down. An invocation owns a strip of 8 rows: their scores against 4 of the step's 32 keys, and
//             of their outputs every vector whose number is its own x modulo 8.
//
// Why so: a product of two mat4x4f blocks is 64 multiply-adds for 8 vector loads, which every compiler keeps in
// registers without unrolling anything; the loop over the head dimension is a run-time loop, so the text stays small.

// Vectors of the output that an invocation owns for each row: ceil(headDim / 32).
const OUTPUT_VECTORS = 2u;

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
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
@group(0) @binding(3) var<storage, read> plan: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> log_sum_exp: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it.
struct Strip { upper: mat4x4f, lower: mat4x4f }
// One number for each of the eight rows, and one index.
struct Rows { upper: vec4f, lower: vec4f }
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> probabilities: array<vec4f, 256>; // [row of the tile][key of the step / 4]
var<workgroup> partial: array<Rows, 32>; // [strip][x]: maxima, then sums

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn query_strip(at: Indices, d: u32) -> Strip { return Strip(query_block(at.upper + d), query_block(at.lower + d)); }
fn probability_strip(at: u32) -> Strip {
  return Strip(
    mat4x4f(probabilities[at], probabilities[at + 8u], probabilities[at + 16u], probabilities[at + 24u]),
    mat4x4f(probabilities[at + 32u], probabilities[at + 40u], probabilities[at + 48u], probabilities[at + 56u]),
  );
}
fn keep_probabilities(at: u32, strip: Strip) {
  for (var i = 0u; i < 4u; i++) {
    probabilities[at + 8u * i] = strip.upper[i];
    probabilities[at + 32u + 8u * i] = strip.lower[i];
  }
}

// sum + block · strip
fn accumulated(sum: Strip, block: mat4x4f, strip: Strip) -> Strip {
  return Strip(sum.upper + block * strip.upper, sum.lower + block * strip.lower);
}
fn scaled_columns(m: mat4x4f, s: vec4f) -> mat4x4f { return mat4x4f(m[0] * s.x, m[1] * s.y, m[2] * s.z, m[3] * s.w); }
fn scaled(strip: Strip, rows: Rows) -> Strip {
  return Strip(scaled_columns(strip.upper, rows.upper), scaled_columns(strip.lower, rows.lower));
}

fn largest(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn column_maxima(m: mat4x4f) -> vec4f { return vec4f(largest(m[0]), largest(m[1]), largest(m[2]), largest(m[3])); }
fn row_maxima(strip: Strip) -> Rows { return Rows(column_maxima(strip.upper), column_maxima(strip.lower)); }
fn row_sums(strip: Strip) -> Rows { return Rows(vec4f(1.0) * strip.upper, vec4f(1.0) * strip.lower); }

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
  if (present.x) { output[at.x] = m[0]; }
  if (present.y) { output[at.y] = m[1]; }
  if (present.z) { output[at.z] = m[2]; }
  if (present.w) { output[at.w] = m[3]; }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tile = 6u * group.x;
  let head = group.y;
  let row_start = plan[tile];
  let row_count = plan[tile + 1u];
  let first_key = plan[parameters.ranges_at + 2u * plan[tile + 2u]];
  let slot_count = plan[tile + 4u];
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
  let partials = 8u * local.y;
  let channels = vec4u(0u, 8u, 16u, 24u) + local.x;
  let safe_channels = min(channels, vec4u(vectors - 1u));

  var chains = Indices();
  if (parameters.dropout_limit > 0u) {
    let chain = chained(parameters.dropout_stream, head);
    chains = Indices(each_chained(chain, positions(tokens.upper)), each_chained(chain, positions(tokens.lower)));
  }

  var maxima = Rows(vec4f(MASKED), vec4f(MASKED));
  var sums = Rows();
  var output_0 = Strip();
  var output_1 = Strip();
  var output_2 = Strip();
  var output_3 = Strip();

  for (var step = 0u; step < slot_count; step += STEP) {
    let slots = step + 4u * local.x + offsets;
    let keys = first_key + min(slots, vec4u(slot_count - 1u));
    let key_at = (keys * heads + head) * vectors;

    var scores = Strip();
    let products = select(0u, vectors, working);
    for (var d = 0u; d < products; d++) {
      scores = accumulated(scores, transpose(key_block(key_at + d)), query_strip(row_at, d));
    }
    scores = Strip(scores.upper * parameters.scale, scores.lower * parameters.scale);
    scores = masked(scores, slots < vec4u(slot_count));

    partial[partials + local.x] = row_maxima(scores);
    workgroupBarrier();
    let before = maxima;
    for (var x = 0u; x < 8u; x++) {
      maxima.upper = max(maxima.upper, partial[partials + x].upper);
      maxima.lower = max(maxima.lower, partial[partials + x].lower);
    }
    let rescale = Rows(exp(before.upper - maxima.upper), exp(before.lower - maxima.lower));

    var p = weights(scores, maxima);
    let step_sums = row_sums(p);
    sums = Rows(sums.upper * rescale.upper + step_sums.upper, sums.lower * rescale.lower + step_sums.lower);
    if (parameters.dropout_limit > 0u) { p = dropped(p, chains, positions(keys)); }
    keep_probabilities(strip + local.x, p);
    workgroupBarrier();

    output_0 = scaled(output_0, rescale);
    if (OUTPUT_VECTORS > 1u) { output_1 = scaled(output_1, rescale); }
    if (OUTPUT_VECTORS > 2u) { output_2 = scaled(output_2, rescale); }
    if (OUTPUT_VECTORS > 3u) { output_3 = scaled(output_3, rescale); }
    let quads = select(0u, (min(STEP, slot_count - step) + 3u) / 4u, working);
    for (var quad = 0u; quad < quads; quad++) {
      let quad_keys = first_key + min(step + 4u * quad + offsets, vec4u(slot_count - 1u));
      let value_at = (quad_keys * heads + head) * vectors;
      let quad_weights = probability_strip(strip + quad);
      output_0 = accumulated(output_0, value_block(value_at + safe_channels.x), quad_weights);
      if (OUTPUT_VECTORS > 1u) { output_1 = accumulated(output_1, value_block(value_at + safe_channels.y), quad_weights); }
      if (OUTPUT_VECTORS > 2u) { output_2 = accumulated(output_2, value_block(value_at + safe_channels.z), quad_weights); }
      if (OUTPUT_VECTORS > 3u) { output_3 = accumulated(output_3, value_block(value_at + safe_channels.w), quad_weights); }
    }
  }

  workgroupBarrier();
  partial[partials + local.x] = sums;
  workgroupBarrier();
  sums = Rows();
  for (var x = 0u; x < 8u; x++) {
    sums = Rows(sums.upper + partial[partials + x].upper, sums.lower + partial[partials + x].lower);
  }

  let reciprocal = Rows(1.0 / sums.upper, 1.0 / sums.lower);
  let outputs = array<Strip, 4>(output_0, output_1, output_2, output_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      let result = scaled(outputs[chunk], reciprocal);
      store_columns(row_at.upper + channels[chunk], result.upper, rows.upper < vec4u(row_count));
      store_columns(row_at.lower + channels[chunk], result.lower, rows.lower < vec4u(row_count));
    }
  }
  if (local.x == 0u) {
    let logs = Rows(maxima.upper + log(sums.upper), maxima.lower + log(sums.lower));
    for (var i = 0u; i < 4u; i++) {
      if (rows.upper[i] < row_count) { log_sum_exp[tokens.upper[i] * heads + head] = logs.upper[i]; }
      if (rows.lower[i] < row_count) { log_sum_exp[tokens.lower[i] * heads + head] = logs.lower[i]; }
    }
  }
}
