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
// Invocations 16 across x 8 down. An invocation owns four rows: their scores against columns x and x + 16 of the step's 32, and
//             of their outputs every vector whose number is its own x modulo 16.
//
// Why so: a GPU hides what a load takes behind other invocations, so a tile has 128 of them with few sums each: 8 scores and 16
// outputs, in place of 32 invocations with 32 and 64, which took 2.6 times as long on an H200 at 1,024 tokens. Keys and values come
// through workgroup memory, loaded whole rows at a time, and into registers one product earlier than they are needed. Queries
// come from the cache, for which workgroup memory has no room: half of a subgroup reads the same ones.

const OUTPUT_VECTORS = 1u; // that an invocation owns of each of its rows: ceil(headDim / 64), at most 2
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose output is, for each workgroup, how many multiply-adds its scores took, / 16

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
@group(0) @binding(3) var<storage, read> plan: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> log_sum_exp: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step
const CHUNK = 16u; // vectors of a key or value that are staged at a time
const PITCH = 17u; // from one staged key to the next: one more than there are, so that keys begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// Of four rows with columns x and x + 16.
struct Pair { first: vec4f, second: vec4f }

var<private> multiplied: u32;
var<workgroup> staged: array<vec4f, 544>; // [key, PITCH]: a chunk of the step's keys, then of its values
var<workgroup> weights: array<vec4f, 256>; // [key, 8]: of four rows, at weight_at
var<workgroup> partial: array<vec4f, 128>; // of an invocation's rows: the largest of its scores, in the end the sum of its weights

// Keys are four banks' widths apart, so the rows' order changes from key to key.
fn weight_at(column: u32, y: u32) -> u32 { return 8u * column + (y ^ (column & 7u)); }

// Counter-based random words: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. They depend on no tile and on no order.
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  var h = chain + (words + 1u) * 0x9e3779b9u;
  h = (h ^ (h >> vec4u(16u))) * 0x7feb352du;
  h = (h ^ (h >> vec4u(15u))) * 0x846ca68bu;
  return h ^ (h >> vec4u(16u));
}
// 1 / (1 - probability) where the pair is kept, else 0: for four queries against one key.
fn kept(chains: vec4u, key: u32) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(chains, vec4u(key)) >= vec4u(parameters.dropout_limit));
}

fn keys(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn values(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn stage(m: mat4x4f, x: u32, y: u32) {
  staged[PITCH * y + x] = m[0];
  staged[PITCH * (y + 8u) + x] = m[1];
  staged[PITCH * (y + 16u) + x] = m[2];
  staged[PITCH * (y + 24u) + x] = m[3];
}
// sum + what four rows have with columns x and x + 16 of what is staged: for a vector, and for a chunk of them, two at a time, so
// that the loads of both are under way together. The loops over columns below are written in fours for the same reason.
fn with_query(sum: Pair, at: vec4u, x: u32, d: u32) -> Pair {
  if (COUNTING > 0u) { multiplied += 2u; }
  let rows = mat4x4f(query[at.x + d], query[at.y + d], query[at.z + d], query[at.w + d]);
  return Pair(sum.first + staged[PITCH * x + d] * rows, sum.second + staged[PITCH * (x + 16u) + d] * rows);
}
fn with_query_chunk(sum: Pair, at: vec4u, x: u32, depth: u32) -> Pair {
  var products = sum;
  let even = depth & ~1u;
  for (var d = 0u; d < even; d += 2u) { products = with_query(with_query(products, at, x, d), at, x, d + 1u); }
  if (even < depth) { products = with_query(products, at, x, even); }
  return products;
}
// by · sum + weights · values, for a vector of four rows.
fn accumulated(sum: mat4x4f, by: vec4f, count: u32, x: u32, y: u32) -> mat4x4f {
  var row_0 = sum[0] * by.x;
  var row_1 = sum[1] * by.y;
  var row_2 = sum[2] * by.z;
  var row_3 = sum[3] * by.w;
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
  let key_count = plan[parameters.ranges_at + 3u * plan[tile + 2u] + 1u];
  let first_key = plan[tile + 7u];
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
  // What an invocation stages: vector x of every eighth column, from its own y on.
  let vector = min(x, vectors - 1u);
  let second_vector = min(x + CHUNK, vectors - 1u);
  let staged_columns = y + 8u * OFFSETS;
  var chains = vec4u();
  if (DROPOUT > 0u) {
    let at = parameters.positions_at + tokens;
    chains = chained(chained(vec4u(parameters.dropout_stream), vec4u(head)), vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]));
  }
  var maximum = vec4f(MASKED);
  var sum = vec4f();
  var output_0 = mat4x4f();
  var output_1 = mat4x4f();

  var column_at = ((first_key + min(staged_columns, vec4u(key_count - 1u))) * heads + head) * vectors;
  var next = keys(column_at + vector); // what is staged next, loaded while the products before are computed
  for (var step = 0u; step < key_count; step += STEP) {
    var scores = Pair();
    for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < OUTPUT_VECTORS) { next = keys(column_at + second_vector); }
      else { next = values(column_at + vector); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      scores = with_query_chunk(scores, row_at + chunk * CHUNK, x, depth);
      if (chunk + 1u < OUTPUT_VECTORS) { workgroupBarrier(); }
    }
    scores.first *= parameters.scale;
    scores.second *= parameters.scale;
    let exists_0 = step + x < key_count;
    let exists_1 = step + x + 16u < key_count;
    partial[own] = max(select(vec4f(MASKED), scores.first, exists_0), select(vec4f(MASKED), scores.second, exists_1));
    workgroupBarrier();

    var peak = maximum;
    for (var i = 0u; i < 16u; i++) { peak = max(peak, partial[16u * y + i]); }
    let by = exp(maximum - peak);
    maximum = peak;
    var weights_0 = select(vec4f(), exp(scores.first - maximum), exists_0);
    var weights_1 = select(vec4f(), exp(scores.second - maximum), exists_1);
    sum = sum * by + (weights_0 + weights_1);
    if (DROPOUT > 0u) {
      let last = first_key + key_count - 1u;
      weights_0 *= kept(chains, plan[parameters.positions_at + min(first_key + step + x, last)]);
      weights_1 *= kept(chains, plan[parameters.positions_at + min(first_key + step + x + 16u, last)]);
    }
    weights[weight_at(x, y)] = weights_0;
    weights[weight_at(x + 16u, y)] = weights_1;
    let count = select(0u, min(STEP, key_count - step), exists);
    for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < OUTPUT_VECTORS) { next = values(column_at + second_vector); }
      else {
        column_at = ((first_key + min(step + STEP + staged_columns, vec4u(key_count - 1u))) * heads + head) * vectors;
        next = keys(column_at + vector);
      }
      if (chunk == 0u) { output_0 = accumulated(output_0, by, count, x, y); }
      else { output_1 = accumulated(output_1, by, count, x, y); }
      workgroupBarrier();
    }
  }

  if (COUNTING > 0u) {
    partial[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 128u; i++) { all += partial[i]; }
    if (own == 0u) { output[group.y * groups.x + group.x] = all; }
    return;
  }
  partial[own] = sum;
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < 16u; i++) { total += partial[16u * y + i]; }
  let by = 1.0 / total;
  let logarithms = maximum + log(total);
  for (var r = 0u; r < 4u; r++) {
    if (own_rows[r] < row_count) {
      if (x == 0u) { log_sum_exp[tokens[r] * heads + head] = logarithms[r]; }
      if (x < vectors) { output[row_at[r] + x] = output_0[r] * by[r]; }
      if (OUTPUT_VECTORS > 1u && x + CHUNK < vectors) { output[row_at[r] + x + CHUNK] = output_1[r] * by[r]; }
    }
  }
}
