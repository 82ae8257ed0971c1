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
// Invocations 16 across x 8 down. An invocation owns four key rows: what they have with queries x and x + 16 of the step's 32, and
//             of the workgroup's channels of their gradients the vector whose number is its own x.
//
// Why so: see attention_dense_forward_wide.wgsl. Queries are staged for the scores, then the output's gradients for both products with
// them, then queries again: workgroup memory holds one chunk, and one matrix of weights.

const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
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
const CHUNK = 16u; // vectors of a query or an output's gradient that are staged at a time
const PITCH = 17u; // from one staged query to the next: one more than there are, so that queries begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);

// What a key row must know of a query: its chain of random words, L, Δ, and whether it is one.
struct Column { chain: u32, log_sum: f32, delta: f32, exists: bool }

// Of four rows with columns x and x + 16.
struct Pair { first: vec4f, second: vec4f }

var<private> multiplied: u32;
var<workgroup> staged: array<vec4f, 544>; // [query, PITCH]: a chunk of the step's queries, or of its output gradients
var<workgroup> weights: array<vec4f, 256>; // [query, 8]: of four rows, at weight_at: probabilities, then the gradients of scores

// Queries are four banks' widths apart, so the rows' order changes from query to query.
fn weight_at(column: u32, y: u32) -> u32 { return 8u * column + (y ^ (column & 7u)); }

// Counter-based random words: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. They depend on no tile and on no order.
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  var h = chain + (words + 1u) * 0x9e3779b9u;
  h = (h ^ (h >> vec4u(16u))) * 0x7feb352du;
  h = (h ^ (h >> vec4u(15u))) * 0x846ca68bu;
  return h ^ (h >> vec4u(16u));
}
// 1 / (1 - probability) where the pair is kept, else 0: for one query against four keys.
fn kept(chain: u32, keys: vec4u) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(vec4u(chain), keys) >= vec4u(parameters.dropout_limit));
}

// Query `index` of those that the tile's keys see, `count` in all.
fn column(index: u32, count: u32, first_query: u32, head: u32, chain: vec4u) -> Column {
  let token = first_query + min(index, count - 1u);
  let row = statistics[token * parameters.heads + head];
  var column = Column(0u, row.x, row.y, index < count);
  if (DROPOUT > 0u) { column.chain = chained(chain, vec4u(plan[parameters.positions_at + token])).x; }
  return column;
}
fn queries(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn output_gradients(at: vec4u) -> mat4x4f {
  return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]);
}
fn stage(m: mat4x4f, x: u32, y: u32) {
  staged[PITCH * y + x] = m[0];
  staged[PITCH * (y + 8u) + x] = m[1];
  staged[PITCH * (y + 16u) + x] = m[2];
  staged[PITCH * (y + 24u) + x] = m[3];
}
// sum + what four rows have with columns x and x + 16 of what is staged: for a vector, and for a chunk of them, two at a time, so
// that the loads of both are under way together. The loops over columns below are written in fours for the same reason.
fn with_key(sum: Pair, at: vec4u, x: u32, d: u32) -> Pair {
  if (COUNTING > 0u) { multiplied += 2u; }
  let rows = mat4x4f(key[at.x + d], key[at.y + d], key[at.z + d], key[at.w + d]);
  return Pair(sum.first + staged[PITCH * x + d] * rows, sum.second + staged[PITCH * (x + 16u) + d] * rows);
}
fn with_key_chunk(sum: Pair, at: vec4u, x: u32, depth: u32) -> Pair {
  var products = sum;
  let even = depth & ~1u;
  for (var d = 0u; d < even; d += 2u) { products = with_key(with_key(products, at, x, d), at, x, d + 1u); }
  if (even < depth) { products = with_key(products, at, x, even); }
  return products;
}
fn with_value(sum: Pair, at: vec4u, x: u32, d: u32) -> Pair {
  let rows = mat4x4f(value[at.x + d], value[at.y + d], value[at.z + d], value[at.w + d]);
  return Pair(sum.first + staged[PITCH * x + d] * rows, sum.second + staged[PITCH * (x + 16u) + d] * rows);
}
fn with_value_chunk(sum: Pair, at: vec4u, x: u32, depth: u32) -> Pair {
  var products = sum;
  let even = depth & ~1u;
  for (var d = 0u; d < even; d += 2u) { products = with_value(with_value(products, at, x, d), at, x, d + 1u); }
  if (even < depth) { products = with_value(products, at, x, even); }
  return products;
}
// sum + weights · what is staged, for a vector of four rows.
fn accumulated(sum: mat4x4f, count: u32, x: u32, y: u32) -> mat4x4f {
  var row_0 = sum[0];
  var row_1 = sum[1];
  var row_2 = sum[2];
  var row_3 = sum[3];
  for (var column = 0u; column < count; column += 4u) {
    for (var i = 0u; i < 4u; i++) {
      let v = staged[PITCH * (column + i) + x];
      let w = weights[weight_at(column + i, y)];
      row_0 += v * w.x;
      row_1 += v * w.y;
      row_2 += v * w.z;
      row_3 += v * w.w;
    }
  }
  return mat4x4f(row_0, row_1, row_2, row_3);
}

@compute @workgroup_size(16, 8)
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
  let first_query = plan[tile + 7u];
  let head = group.y;
  let heads = parameters.heads;
  let vectors = parameters.head_vectors;
  let x = local.x;
  let y = local.y;

  // Rows behind the end of the tile repeat its last row, and are not stored. Eight such rows do no products.
  let own_rows = 4u * y + OFFSETS;
  let tokens = row_start + min(own_rows, vec4u(row_count - 1u));
  let row_at = (tokens * heads + head) * vectors;
  let exists = 4u * (y & 6u) < row_count;
  let chain = chained(vec4u(parameters.dropout_stream), vec4u(head));
  var positions = vec4u();
  if (DROPOUT > 0u) {
    let at = parameters.positions_at + tokens;
    positions = vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]);
  }
  // The channels that a workgroup owns, and how many chunks there are.
  let own_chunk = group.z;
  let chunks = (vectors + CHUNK - 1u) / CHUNK;
  let own_vector = own_chunk * CHUNK + x;
  var key_gradients = mat4x4f();
  var value_gradients = mat4x4f();

  // What an invocation stages: vector x of every eighth query, from its own y on.
  let staged_queries = y + 8u * OFFSETS;
  var query_at = ((first_query + min(staged_queries, vec4u(query_count - 1u))) * heads + head) * vectors;
  var next = queries(query_at + min(x, vectors - 1u)); // what is staged next, loaded while the products before are computed
  for (var step = 0u; step < query_count; step += STEP) {
    var scores = Pair();
    for (var chunk = 0u; chunk < chunks; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < chunks) { next = queries(query_at + min((chunk + 1u) * CHUNK + x, vectors - 1u)); }
      else { next = output_gradients(query_at + min(x, vectors - 1u)); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      scores = with_key_chunk(scores, row_at + chunk * CHUNK, x, depth);
      workgroupBarrier();
    }
    let column_0 = column(step + x, query_count, first_query, head, chain);
    let column_1 = column(step + x + 16u, query_count, first_query, head, chain);
    let weights_0 = select(vec4f(), exp(scores.first * parameters.scale - column_0.log_sum), column_0.exists);
    let weights_1 = select(vec4f(), exp(scores.second * parameters.scale - column_1.log_sum), column_1.exists);
    var keep_0 = vec4f(1.0);
    var keep_1 = vec4f(1.0);
    if (DROPOUT > 0u) {
      keep_0 = kept(column_0.chain, positions);
      keep_1 = kept(column_1.chain, positions);
    }
    weights[weight_at(x, y)] = keep_0 * weights_0;
    weights[weight_at(x + 16u, y)] = keep_1 * weights_1;
    let count = select(0u, min(STEP, query_count - step), exists);
    var products = Pair();
    for (var chunk = 0u; chunk < chunks; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < chunks) { next = output_gradients(query_at + min((chunk + 1u) * CHUNK + x, vectors - 1u)); }
      else { next = queries(query_at + min(own_chunk * CHUNK + x, vectors - 1u)); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      products = with_value_chunk(products, row_at + chunk * CHUNK, x, depth);
      if (chunk == own_chunk) { value_gradients = accumulated(value_gradients, count, x, y); }
      workgroupBarrier();
    }
    weights[weight_at(x, y)] = weights_0 * (keep_0 * products.first - column_0.delta);
    weights[weight_at(x + 16u, y)] = weights_1 * (keep_1 * products.second - column_1.delta);
    stage(next, x, y);
    workgroupBarrier();
    query_at = ((first_query + min(step + STEP + staged_queries, vec4u(query_count - 1u))) * heads + head) * vectors;
    next = queries(query_at + min(x, vectors - 1u));
    key_gradients = accumulated(key_gradients, count, x, y);
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    staged[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 128u; i++) { all += staged[i]; }
    if (own == 0u && group.z == 0u) { key_gradient[group.y * groups.x + group.x] = all; }
    return;
  }
  for (var r = 0u; r < 4u; r++) {
    if (own_rows[r] < row_count && own_vector < vectors) {
      key_gradient[row_at[r] + own_vector] = parameters.scale * key_gradients[r];
      value_gradient[row_at[r] + own_vector] = value_gradients[r];
    }
  }
}
