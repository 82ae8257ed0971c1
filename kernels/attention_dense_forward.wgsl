// Dense attention, forward: every query of a sequence sees every key of it.
//
//   S[i,j] = scale · q_i · k_j      L[i] = log Σ_j exp S[i,j]      o_i = Σ_j drop(exp(S[i,j] - L[i])) · v_j
//
// One pass over the keys with a running maximum (online softmax: Milakov & Gimelshein 2018, arXiv 1805.02867; as tiles:
// Dao et al. 2022, arXiv 2205.14135). No array of size tokens x tokens exists.
//
// Buffers (group 0)
//   query, key, value, output   [tokens, heads, headDim] f32, read as vec4f
//   plan                        tiles of up to 32 rows, ranges, positions (src/plan/plan-words.ts)
//   log_sum_exp                 [tokens, heads] f32, natural logarithm
// Grid        (tiles, heads). A workgroup owns up to 32 query rows of one sequence in one head.
// Invocations 8 across x 4 down. In the products, an invocation owns a strip of 8 rows: their scores against a quad of the
//             step's 32 keys, and of their outputs every vector whose number is its own x modulo 8. In the softmax it owns a row.
//
// Why so: a product of two 4x4 blocks is 64 multiply-adds for 8 vector loads, and the loop over the head dimension is a
// run-time loop, so the text stays small. Scores go through workgroup memory to the invocation that owns their row: what a row
// needs is then a few scalars, where every owner of a strip would have to hold it eight times beside its sums.

const OUTPUT_VECTORS = 2u; // that an invocation owns of each row of its strip, at most 4: ceil(headDim / 32)
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose output is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  counts_before: u32, // workgroups of earlier dispatches, whose counts stand first
  tiles_at: u32,
  ranges_at: u32,
  positions_at: u32,
  scale: f32,
  dropout_limit: u32, // the probability of dropping, times 2^32
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
const PITCH = 9u; // quads from one row of scores to the next: one more than there are, so that rows begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it. One number, or index, for each row.
struct Strip { upper: mat4x4f, lower: mat4x4f }
struct Rows { upper: vec4f, lower: vec4f }
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> scores: array<vec4f, 288>; // [row of the tile, PITCH]: scores, then probabilities
var<workgroup> row_factors: array<f32, 32>; // what outputs are multiplied by

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn score_block(at: u32) -> mat4x4f {
  return mat4x4f(scores[at], scores[at + PITCH], scores[at + 2u * PITCH], scores[at + 3u * PITCH]);
}
fn score_strip(at: u32) -> Strip { return Strip(score_block(at), score_block(at + 4u * PITCH)); }
fn keep_scores(at: u32, s: Strip) {
  for (var r = 0u; r < 4u; r++) {
    scores[at + r * PITCH] = s.upper[r];
    scores[at + (r + 4u) * PITCH] = s.lower[r];
  }
}

// sum + block · v, four products first: a quarter of the roundings are of the sum's size. Written out, because compilers need
// fewer registers for it than for the product of two matrices.
fn added(sum: vec4f, block: mat4x4f, v: vec4f) -> vec4f {
  var products = block[0] * v.x;
  products += block[1] * v.y;
  products += block[2] * v.z;
  products += block[3] * v.w;
  return sum + products;
}
fn added_columns(sum: mat4x4f, block: mat4x4f, m: mat4x4f) -> mat4x4f {
  return mat4x4f(added(sum[0], block, m[0]), added(sum[1], block, m[1]), added(sum[2], block, m[2]), added(sum[3], block, m[3]));
}
// sum + block · strip
fn accumulated(sum: Strip, block: mat4x4f, strip: Strip) -> Strip {
  return Strip(added_columns(sum.upper, block, strip.upper), added_columns(sum.lower, block, strip.lower));
}
fn scaled_columns(m: mat4x4f, s: vec4f) -> mat4x4f { return mat4x4f(m[0] * s.x, m[1] * s.y, m[2] * s.z, m[3] * s.w); }
fn scaled(s: Strip, by: Rows) -> Strip { return Strip(scaled_columns(s.upper, by.upper), scaled_columns(s.lower, by.lower)); }
fn factors(row: u32) -> Rows {
  return Rows(
    vec4f(row_factors[row], row_factors[row + 1u], row_factors[row + 2u], row_factors[row + 3u]),
    vec4f(row_factors[row + 4u], row_factors[row + 5u], row_factors[row + 6u], row_factors[row + 7u]),
  );
}

fn largest(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }

// Counter-based random words: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. They depend on no tile and on no order.
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  var h = chain + (words + 1u) * 0x9e3779b9u;
  h = (h ^ (h >> vec4u(16u))) * 0x7feb352du;
  h = (h ^ (h >> vec4u(15u))) * 0x846ca68bu;
  return h ^ (h >> vec4u(16u));
}
// 1 / (1 - probability) where the pair is kept, else 0: for one query against four keys.
fn kept(chain: vec4u, keys: vec4u) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(chain, keys) >= vec4u(parameters.dropout_limit));
}

fn store_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { output[at.x] = m[0]; }
  if (present.y) { output[at.y] = m[1]; }
  if (present.z) { output[at.z] = m[2]; }
  if (present.w) { output[at.w] = m[3]; }
}

@compute @workgroup_size(8, 4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) own: u32,
) {
  let tile = parameters.tiles_at + 8u * group.x;
  let row_start = plan[tile];
  let row_count = plan[tile + 1u];
  let key_count = plan[parameters.ranges_at + 3u * plan[tile + 2u] + 1u];
  let slot_count = plan[tile + 4u];
  let first_key = plan[tile + 7u];
  let head = group.y;
  let heads = parameters.heads;
  let vectors = parameters.head_vectors;

  // Rows behind the end of the tile repeat its last row, and are not stored. A strip without rows does no products.
  let last = row_count - 1u;
  let rows = Indices(8u * local.y + OFFSETS, 8u * local.y + 4u + OFFSETS);
  let tokens = Indices(row_start + min(rows.upper, vec4u(last)), row_start + min(rows.lower, vec4u(last)));
  let row_at = Indices((tokens.upper * heads + head) * vectors, (tokens.lower * heads + head) * vectors);
  let products = select(0u, vectors, 8u * local.y < row_count);
  let strip = 8u * PITCH * local.y;
  let channels = 8u * OFFSETS + local.x;
  let safe_channels = min(channels, vec4u(vectors - 1u));

  let own_token = row_start + min(own, last);
  var chain = vec4u();
  if (DROPOUT > 0u) {
    chain = chained(chained(vec4u(parameters.dropout_stream), vec4u(head)), vec4u(plan[parameters.positions_at + own_token]));
  }
  var maximum = MASKED;
  var sum = 0.0;
  var output_0 = Strip();
  var output_1 = Strip();
  var output_2 = Strip();
  var output_3 = Strip();
  var multiplied = 0u;

  for (var step = 0u; step < slot_count; step += STEP) {
    let quads = min(STEP, slot_count - step) / 4u;
    let keys = first_key + min(step + 4u * local.x + OFFSETS, vec4u(key_count - 1u));
    let key_at = (keys * heads + head) * vectors;
    var strip_scores = Strip();
    for (var d = 0u; d < products; d++) {
      let key_columns = transpose(key_block(key_at + d));
      strip_scores.upper = added_columns(strip_scores.upper, key_columns, query_block(row_at.upper + d));
      strip_scores.lower = added_columns(strip_scores.lower, key_columns, query_block(row_at.lower + d));
      if (COUNTING > 0u) { multiplied += 8u; }
    }
    keep_scores(strip + local.x, strip_scores);
    workgroupBarrier();

    var peak = vec4f(maximum);
    for (var quad = 0u; quad < quads; quad++) {
      let absent = select(vec4f(MASKED), vec4f(), step + 4u * quad + OFFSETS < vec4u(key_count));
      let s = scores[PITCH * own + quad] * parameters.scale + absent;
      scores[PITCH * own + quad] = s;
      peak = max(peak, s);
    }
    let rescale = exp(maximum - largest(peak));
    maximum = largest(peak);
    row_factors[own] = rescale;
    var step_sums = vec4f();
    for (var quad = 0u; quad < quads; quad++) {
      // Every step has a key, so that the maximum is a score, and exp(MASKED - maximum) is 0.
      var p = exp(scores[PITCH * own + quad] - maximum);
      step_sums += p;
      if (DROPOUT > 0u) {
        let quad_keys = first_key + min(step + 4u * quad + OFFSETS, vec4u(key_count - 1u));
        p *= kept(chain, words_of(parameters.positions_at + quad_keys));
      }
      scores[PITCH * own + quad] = p;
    }
    sum = sum * rescale + ((step_sums.x + step_sums.y) + (step_sums.z + step_sums.w));
    workgroupBarrier();

    let by = factors(8u * local.y);
    output_0 = scaled(output_0, by);
    if (OUTPUT_VECTORS > 1u) { output_1 = scaled(output_1, by); }
    if (OUTPUT_VECTORS > 2u) { output_2 = scaled(output_2, by); }
    if (OUTPUT_VECTORS > 3u) { output_3 = scaled(output_3, by); }
    let value_quads = select(0u, quads, products > 0u);
    for (var quad = 0u; quad < value_quads; quad++) {
      let quad_keys = first_key + min(step + 4u * quad + OFFSETS, vec4u(key_count - 1u));
      let value_at = (quad_keys * heads + head) * vectors;
      let w = score_strip(strip + quad);
      output_0 = accumulated(output_0, value_block(value_at + safe_channels.x), w);
      if (OUTPUT_VECTORS > 1u) { output_1 = accumulated(output_1, value_block(value_at + safe_channels.y), w); }
      if (OUTPUT_VECTORS > 2u) { output_2 = accumulated(output_2, value_block(value_at + safe_channels.z), w); }
      if (OUTPUT_VECTORS > 3u) { output_3 = accumulated(output_3, value_block(value_at + safe_channels.w), w); }
    }
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    row_factors[own] = f32(multiplied);
    workgroupBarrier();
    var all = 0.0;
    for (var i = 0u; i < 32u; i++) { all += row_factors[i]; }
    if (own == 0u) { output[parameters.counts_before + group.y * groups.x + group.x] = vec4f(all); }
    return;
  }
  row_factors[own] = 1.0 / sum;
  if (own < row_count) { log_sum_exp[own_token * heads + head] = maximum + log(sum); }
  workgroupBarrier();
  let by = factors(8u * local.y);
  let outputs = array<Strip, 4>(output_0, output_1, output_2, output_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      let result = scaled(outputs[chunk], by);
      store_columns(row_at.upper + channels[chunk], result.upper, rows.upper < vec4u(row_count));
      store_columns(row_at.lower + channels[chunk], result.lower, rows.lower < vec4u(row_count));
    }
  }
}
