// Dense attention, backward: the gradient of the queries.
//
//   P[i,j] = exp(S[i,j] - L[i])      dS[i,j] = P[i,j] · (drop(dO_i · v_j) - Δ_i)      dq_i = scale · Σ_j dS[i,j] k_j
//   with Δ_i = dO_i · O_i
//
// Scores are computed again instead of being kept (Dao et al. 2022, arXiv 2205.14135, algorithm 4). No atomics: a
// workgroup owns its rows, the order of every sum is fixed.
//
// Buffers (group 0)
//   query, key, value, output_gradient, query_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         tiles of up to 32 rows, ranges, positions (src/plan/plan-words.ts): the forward pass's
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid and invocations as in the forward kernel: in the products a strip, between them a row.
//
// Why so: see attention_dense_forward.wgsl. The two products of a step run one after the other, so that only one of their sums
// takes registers.

const OUTPUT_VECTORS = 2u; // that an invocation owns of each row of its strip, at most 4: ceil(headDim / 32)
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

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
@group(0) @binding(3) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read> plan: array<u32>;
@group(0) @binding(5) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> query_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step
const PITCH = 9u; // quads from one row of scores to the next: one more than there are, so that rows begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it. And one index for each row.
struct Strip { upper: mat4x4f, lower: mat4x4f }
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> scores: array<vec4f, 288>; // [row of the tile, PITCH]: scores, then their gradients
var<workgroup> products: array<vec4f, 288>; // likewise: dO · v

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn output_gradient_block(at: vec4u) -> mat4x4f {
  return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]);
}
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
fn keep_products(at: u32, s: Strip) {
  for (var r = 0u; r < 4u; r++) {
    products[at + r * PITCH] = s.upper[r];
    products[at + (r + 4u) * PITCH] = s.lower[r];
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
  if (present.x) { query_gradient[at.x] = parameters.scale * m[0]; }
  if (present.y) { query_gradient[at.y] = parameters.scale * m[1]; }
  if (present.z) { query_gradient[at.z] = parameters.scale * m[2]; }
  if (present.w) { query_gradient[at.w] = parameters.scale * m[3]; }
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
  let depth = select(0u, vectors, 8u * local.y < row_count);
  let strip = 8u * PITCH * local.y;
  let channels = 8u * OFFSETS + local.x;
  let safe_channels = min(channels, vec4u(vectors - 1u));

  let own_token = row_start + min(own, last);
  var chain = vec4u();
  if (DROPOUT > 0u) {
    chain = chained(chained(vec4u(parameters.dropout_stream), vec4u(head)), vec4u(plan[parameters.positions_at + own_token]));
  }
  let own_statistics = statistics[own_token * heads + head];
  let log_sum = own_statistics.x;
  let delta = own_statistics.y;
  var gradient_0 = Strip();
  var gradient_1 = Strip();
  var gradient_2 = Strip();
  var gradient_3 = Strip();
  var multiplied = 0u;

  for (var step = 0u; step < slot_count; step += STEP) {
    let quads = min(STEP, slot_count - step) / 4u;
    let keys = first_key + min(step + 4u * local.x + OFFSETS, vec4u(key_count - 1u));
    let key_at = (keys * heads + head) * vectors;
    var sums = Strip();
    for (var d = 0u; d < depth; d++) {
      let key_columns = transpose(key_block(key_at + d));
      sums.upper = added_columns(sums.upper, key_columns, query_block(row_at.upper + d));
      sums.lower = added_columns(sums.lower, key_columns, query_block(row_at.lower + d));
      if (COUNTING > 0u) { multiplied += 8u; }
    }
    keep_scores(strip + local.x, sums);
    sums = Strip();
    for (var d = 0u; d < depth; d++) {
      let value_columns = transpose(value_block(key_at + d));
      sums.upper = added_columns(sums.upper, value_columns, output_gradient_block(row_at.upper + d));
      sums.lower = added_columns(sums.lower, value_columns, output_gradient_block(row_at.lower + d));
    }
    keep_products(strip + local.x, sums);
    workgroupBarrier();

    for (var quad = 0u; quad < quads; quad++) {
      let at = PITCH * own + quad;
      let absent = select(vec4f(MASKED), vec4f(), step + 4u * quad + OFFSETS < vec4u(key_count));
      let s = scores[at] * parameters.scale + absent;
      let p = exp(s - log_sum); // L is not below the largest score, so that exp(MASKED - L) is 0
      var dp = products[at];
      if (DROPOUT > 0u) {
        let quad_keys = first_key + min(step + 4u * quad + OFFSETS, vec4u(key_count - 1u));
        dp *= kept(chain, words_of(parameters.positions_at + quad_keys));
      }
      scores[at] = p * (dp - delta);
    }
    workgroupBarrier();

    let key_quads = select(0u, quads, depth > 0u);
    for (var quad = 0u; quad < key_quads; quad++) {
      let quad_keys = first_key + min(step + 4u * quad + OFFSETS, vec4u(key_count - 1u));
      let quad_at = (quad_keys * heads + head) * vectors;
      let g = score_strip(strip + quad);
      gradient_0 = accumulated(gradient_0, key_block(quad_at + safe_channels.x), g);
      if (OUTPUT_VECTORS > 1u) { gradient_1 = accumulated(gradient_1, key_block(quad_at + safe_channels.y), g); }
      if (OUTPUT_VECTORS > 2u) { gradient_2 = accumulated(gradient_2, key_block(quad_at + safe_channels.z), g); }
      if (OUTPUT_VECTORS > 3u) { gradient_3 = accumulated(gradient_3, key_block(quad_at + safe_channels.w), g); }
    }
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    scores[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 32u; i++) { all += scores[i]; }
    if (own == 0u) { query_gradient[parameters.counts_before + group.y * groups.x + group.x] = all; }
    return;
  }
  let gradients = array<Strip, 4>(gradient_0, gradient_1, gradient_2, gradient_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      store_columns(row_at.upper + channels[chunk], gradients[chunk].upper, rows.upper < vec4u(row_count));
      store_columns(row_at.lower + channels[chunk], gradients[chunk].lower, rows.lower < vec4u(row_count));
    }
  }
}
