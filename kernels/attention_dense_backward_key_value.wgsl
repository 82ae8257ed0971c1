// Dense attention, backward: the gradients of keys and values.
//
//   P[i,j] = exp(S[i,j] - L[i])      dS[i,j] = P[i,j] · (drop(dO_i · v_j) - Δ_i)      with Δ_i = dO_i · O_i
//   dv_j = Σ_i drop(P[i,j]) dO_i     dk_j = scale · Σ_i dS[i,j] q_i
//
// The transposed pass: a tile is of key rows, its slots are the queries that see them. No atomics: a workgroup owns its
// rows, the order of every sum is fixed (Dao et al. 2022, arXiv 2205.14135, algorithm 4, with its loops exchanged).
//
// Buffers (group 0)
//   query, key, value, output_gradient, key_gradient, value_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         tiles of up to 32 key rows, their ranges of queries, positions (src/plan/plan-words.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid        (tiles of keys, heads, ceil(headDim / 64)). A workgroup owns up to 32 key rows of one sequence in one head, and 64
//             channels of their gradients: more would not fit the registers.
// Invocations 8 across x 4 down. In the products, an invocation owns a strip of 8 key rows: their scores against a quad of the
//             step's 32 queries, and of the workgroup's channels every vector whose number is its own x modulo 8. Between them
//             it owns a row.
//
// Why so: see attention_dense_forward.wgsl. The two products of a step run one after the other, so that only one of their sums
// takes registers.

const OUTPUT_VECTORS = 2u; // that an invocation owns of each row of its strip, of each gradient: 1 for headDim up to 32, else 2
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
@group(0) @binding(6) var<storage, read_write> key_gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> value_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // queries a step
const PITCH = 9u; // quads from one row of scores to the next: one more than there are, so that rows begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// A strip's eight rows: a matrix column for each row, four of its queries or channels in it. And one index for each row.
struct Strip { upper: mat4x4f, lower: mat4x4f }
struct Indices { upper: vec4u, lower: vec4u }

var<workgroup> scores: array<vec4f, 288>; // [row of the tile, PITCH]: scores, then probabilities
var<workgroup> products: array<vec4f, 288>; // likewise: dO · v, then the gradients of scores

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
fn product_block(at: u32) -> mat4x4f {
  return mat4x4f(products[at], products[at + PITCH], products[at + 2u * PITCH], products[at + 3u * PITCH]);
}
fn product_strip(at: u32) -> Strip { return Strip(product_block(at), product_block(at + 4u * PITCH)); }
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
// 1 / (1 - probability) where the pair is kept, else 0: for four queries against one key.
fn kept(chains: vec4u, key: vec4u) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(chains, key) >= vec4u(parameters.dropout_limit));
}

fn store_key_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { key_gradient[at.x] = parameters.scale * m[0]; }
  if (present.y) { key_gradient[at.y] = parameters.scale * m[1]; }
  if (present.z) { key_gradient[at.z] = parameters.scale * m[2]; }
  if (present.w) { key_gradient[at.w] = parameters.scale * m[3]; }
}
fn store_value_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { value_gradient[at.x] = m[0]; }
  if (present.y) { value_gradient[at.y] = m[1]; }
  if (present.z) { value_gradient[at.z] = m[2]; }
  if (present.w) { value_gradient[at.w] = m[3]; }
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
  let query_count = plan[parameters.ranges_at + 3u * plan[tile + 2u] + 1u];
  let slot_count = plan[tile + 4u];
  let first_query = plan[tile + 7u];
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
  let channels = 16u * group.z + 8u * OFFSETS.xy + local.x;
  let safe_channels = min(channels, vec2u(vectors - 1u));

  let chain = chained(vec4u(parameters.dropout_stream), vec4u(head));
  var own_position = 0u;
  if (DROPOUT > 0u) { own_position = plan[parameters.positions_at + row_start + min(own, last)]; }
  var keys_0 = Strip();
  var keys_1 = Strip();
  var values_0 = Strip();
  var values_1 = Strip();
  var multiplied = 0u;

  for (var step = 0u; step < slot_count; step += STEP) {
    let quads = min(STEP, slot_count - step) / 4u;
    let queries = first_query + min(step + 4u * local.x + OFFSETS, vec4u(query_count - 1u));
    let query_at = (queries * heads + head) * vectors;
    var sums = Strip();
    for (var d = 0u; d < depth; d++) {
      let query_columns = transpose(query_block(query_at + d));
      sums.upper = added_columns(sums.upper, query_columns, key_block(row_at.upper + d));
      sums.lower = added_columns(sums.lower, query_columns, key_block(row_at.lower + d));
      if (COUNTING > 0u) { multiplied += 8u; }
    }
    keep_scores(strip + local.x, sums);
    sums = Strip();
    for (var d = 0u; d < depth; d++) {
      let output_gradient_columns = transpose(output_gradient_block(query_at + d));
      sums.upper = added_columns(sums.upper, output_gradient_columns, value_block(row_at.upper + d));
      sums.lower = added_columns(sums.lower, output_gradient_columns, value_block(row_at.lower + d));
    }
    keep_products(strip + local.x, sums);
    workgroupBarrier();

    for (var quad = 0u; quad < quads; quad++) {
      let at = PITCH * own + quad;
      let absent = select(vec4f(MASKED), vec4f(), step + 4u * quad + OFFSETS < vec4u(query_count));
      let quad_queries = first_query + min(step + 4u * quad + OFFSETS, vec4u(query_count - 1u));
      let rows_at = quad_queries * heads + head;
      let a = statistics[rows_at.x];
      let b = statistics[rows_at.y];
      let c = statistics[rows_at.z];
      let d = statistics[rows_at.w];
      let s = scores[at] * parameters.scale + absent;
      let p = exp(s - vec4f(a.x, b.x, c.x, d.x)); // L is not below the largest score, so that exp(MASKED - L) is 0
      var keep = vec4f(1.0);
      if (DROPOUT > 0u) {
        keep = kept(chained(chain, words_of(parameters.positions_at + quad_queries)), vec4u(own_position));
      }
      scores[at] = keep * p;
      products[at] = p * (keep * products[at] - vec4f(a.y, b.y, c.y, d.y));
    }
    workgroupBarrier();

    // A loop for each product: it needs fewer registers than both in one.
    let query_quads = select(0u, quads, depth > 0u);
    for (var quad = 0u; quad < query_quads; quad++) {
      let quad_queries = first_query + min(step + 4u * quad + OFFSETS, vec4u(query_count - 1u));
      let quad_at = (quad_queries * heads + head) * vectors;
      let w = score_strip(strip + quad);
      values_0 = accumulated(values_0, output_gradient_block(quad_at + safe_channels.x), w);
      if (OUTPUT_VECTORS > 1u) { values_1 = accumulated(values_1, output_gradient_block(quad_at + safe_channels.y), w); }
    }
    for (var quad = 0u; quad < query_quads; quad++) {
      let quad_queries = first_query + min(step + 4u * quad + OFFSETS, vec4u(query_count - 1u));
      let quad_at = (quad_queries * heads + head) * vectors;
      let g = product_strip(strip + quad);
      keys_0 = accumulated(keys_0, query_block(quad_at + safe_channels.x), g);
      if (OUTPUT_VECTORS > 1u) { keys_1 = accumulated(keys_1, query_block(quad_at + safe_channels.y), g); }
    }
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    scores[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 32u; i++) { all += scores[i]; }
    if (own == 0u && group.z == 0u) { key_gradient[parameters.counts_before + group.y * groups.x + group.x] = all; }
    return;
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
