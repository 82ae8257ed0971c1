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
// Invocations 16 across x 8 down. Scores: an invocation owns four rows against columns x, x + 16, x + 32, x + 48 of the step's 64.
//             Sums: eight rows x two vectors, over every PARTS-th column; in the end PARTS invocations add what they have.
//
// Why so: in a cycle a GPU's multiprocessor loads into registers a fourth of the numbers that it can multiply, so an invocation must
// use every vector as often as it can: here 8 loads serve 64 multiply-adds of the scores, and 4 those of the sums. An invocation
// that owned eight rows and two vectors for all columns would be one of 32, too few to hide what a load takes; so four of them
// share the columns out. Keys and queries come through workgroup memory, four vectors of each at a time, into one place while
// products are still computed from the other; values come from the cache, neighbours reading a row of them. Queries are staged
// anew in every step: they would not fit beside. kernels/README.md has what was measured on the way.

const PARTS = 4u; // invocations that share out the keys of the second product: 2, 4 or 8, for heads of at most 128, 64 and 32 channels
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

const STEP = 64u; // keys a step
const CHUNK = 4u; // vectors of a key or query that are staged at a time, in one of two places
const PART = 128u / PARTS; // invocations that take the same keys in the second product
const ACROSS = PART / 4u; // of them side by side, along the vectors of a row
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// Two chunks of a row or column, or eight other vectors; and a gap, so that neighbours begin in different banks.
struct Staged { chunks: array<array<vec4f, 4>, 2>, gap: vec4f }
// Sums of an invocation's eight rows, in fours, for the two vectors that it owns.
struct Sums { upper_0: mat4x4f, lower_0: mat4x4f, upper_1: mat4x4f, lower_1: mat4x4f }

var<private> multiplied: u32;
var<workgroup> columns_staged: array<Staged, 64>; // two chunks of the step's columns; then, by column, the weights of all rows
// Two chunks of the tile's rows; then, of each invocation, the largest of its scores, or the sum of its weights.
var<workgroup> rows_staged: array<Staged, 32>;
var<workgroup> factors: array<vec4f, 8>; // of four rows: what their sums are multiplied by

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

// Stages a vector of two columns and a row, or zeros behind the end of a head.
fn stage(next: array<vec4f, 3>, staged: u32, place: u32, vector: u32, in_row: bool) {
  columns_staged[staged].chunks[place][vector] = select(vec4f(), next[0], in_row);
  columns_staged[staged + 32u].chunks[place][vector] = select(vec4f(), next[1], in_row);
  rows_staged[staged].chunks[place][vector] = select(vec4f(), next[2], in_row);
}
// sum + the products of four rows, whose vectors are turned, with a key's vector: sixteen fused multiply-adds.
fn with_vector(sum: vec4f, turned: mat4x4f, v: vec4f) -> vec4f {
  return sum + turned[0] * v.x + turned[1] * v.y + turned[2] * v.z + turned[3] * v.w;
}
fn turned_rows(y: u32, place: u32, d: u32) -> mat4x4f {
  let first = 4u * y;
  return transpose(mat4x4f(
    rows_staged[first].chunks[place][d],
    rows_staged[first + 1u].chunks[place][d],
    rows_staged[first + 2u].chunks[place][d],
    rows_staged[first + 3u].chunks[place][d],
  ));
}
// sums + what four rows have with columns x, x + 16, x + 32 and x + 48 of a chunk; the latter two only where the step has them.
fn with_chunk(sums: mat4x4f, x: u32, y: u32, place: u32, count: u32) -> mat4x4f {
  var s = sums;
  if (count > STEP / 2u) {
    for (var d = 0u; d < CHUNK; d++) {
      let rows = turned_rows(y, place, d);
      s[0] = with_vector(s[0], rows, columns_staged[x].chunks[place][d]);
      s[1] = with_vector(s[1], rows, columns_staged[x + 16u].chunks[place][d]);
      s[2] = with_vector(s[2], rows, columns_staged[x + 32u].chunks[place][d]);
      s[3] = with_vector(s[3], rows, columns_staged[x + 48u].chunks[place][d]);
    }
  } else {
    for (var d = 0u; d < CHUNK; d++) {
      let rows = turned_rows(y, place, d);
      s[0] = with_vector(s[0], rows, columns_staged[x].chunks[place][d]);
      s[1] = with_vector(s[1], rows, columns_staged[x + 16u].chunks[place][d]);
    }
  }
  return s;
}
fn with_weighted(sum: mat4x4f, v: vec4f, w: vec4f) -> mat4x4f {
  return mat4x4f(sum[0] + v * w.x, sum[1] + v * w.y, sum[2] + v * w.z, sum[3] + v * w.w);
}
// sums + weights · vectors of a column, whose weights of all rows are staged.
fn with_column(sums: Sums, v_0: vec4f, v_1: vec4f, column: u32, summed: u32) -> Sums {
  let w_upper = columns_staged[column].chunks[summed / 16u][summed / 4u % 4u];
  let w_lower = columns_staged[column].chunks[summed / 16u][summed / 4u % 4u + 1u];
  return Sums(
    with_weighted(sums.upper_0, v_0, w_upper),
    with_weighted(sums.lower_0, v_0, w_lower),
    with_weighted(sums.upper_1, v_1, w_upper),
    with_weighted(sums.lower_1, v_1, w_lower),
  );
}
fn scaled(sum: mat4x4f, by: vec4f) -> mat4x4f {
  return mat4x4f(sum[0] * by.x, sum[1] * by.y, sum[2] * by.z, sum[3] * by.w);
}
fn scaled_sums(sums: Sums, summed: u32) -> Sums {
  let upper = factors[summed / 4u];
  let lower = factors[summed / 4u + 1u];
  return Sums(scaled(sums.upper_0, upper), scaled(sums.lower_0, lower), scaled(sums.upper_1, upper), scaled(sums.lower_1, lower));
}
// The sum of what the parts have, in part 0.
fn of_parts(sum: mat4x4f, own: u32) -> mat4x4f {
  workgroupBarrier();
  for (var r = 0u; r < 4u; r++) { columns_staged[own / 2u].chunks[own % 2u][r] = sum[r]; }
  workgroupBarrier();
  var total = sum;
  for (var other = own + PART; other < 128u; other += PART) {
    for (var r = 0u; r < 4u; r++) { total[r] += columns_staged[other / 2u].chunks[other % 2u][r]; }
  }
  return total;
}
fn of_all_parts(sums: Sums, own: u32) -> Sums {
  let upper_0 = of_parts(sums.upper_0, own);
  let lower_0 = of_parts(sums.lower_0, own);
  let upper_1 = of_parts(sums.upper_1, own);
  let lower_1 = of_parts(sums.lower_1, own);
  return Sums(upper_0, lower_0, upper_1, lower_1);
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

  // The four rows whose scores an invocation computes. Rows behind the end of the tile repeat its last row, and are not stored.
  // Eight such rows do no products.
  let exists = 4u * (y & 6u) < row_count;
  var chains = vec4u();
  if (DROPOUT > 0u) {
    let at = parameters.positions_at + row_start + min(4u * y + OFFSETS, vec4u(row_count - 1u));
    chains = chained(chained(vec4u(parameters.dropout_stream), vec4u(head)), vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]));
  }
  // What an invocation stages: a vector of a row, and of columns `staged` and `staged` + 32.
  let staged = own / CHUNK;
  let vector = own % CHUNK;
  let query_at = ((row_start + min(staged, row_count - 1u)) * heads + head) * vectors + vector;
  // What it sums: vectors `across` and `across` + ACROSS of the eight rows from `summed` on, for every PARTS-th column.
  let part = own / PART;
  let summed = 8u * ((own / ACROSS) % 4u);
  let across = own % ACROSS;
  let across_0 = min(across, vectors - 1u);
  let across_1 = min(across + ACROSS, vectors - 1u);
  let sums_exist = summed < row_count;
  var maximum = vec4f(MASKED);
  var sum = vec4f();
  var sums = Sums();

  let chunks = 2u * ((vectors + 2u * CHUNK - 1u) / (2u * CHUNK)); // an even number of them
  // What is staged next, loaded while the products before are computed: columns and a row.
  var key_at = ((first_key + min(vec2u(staged, staged + 32u), vec2u(key_count - 1u))) * heads + head) * vectors + vector;
  var next = array<vec4f, 3>(key[key_at.x], key[key_at.y], query[query_at]);
  for (var step = 0u; step < key_count; step += STEP) {
    let count = min(STEP, key_count - step);
    var scores = mat4x4f();
    for (var chunk = 0u; chunk < chunks; chunk++) {
      let place = chunk % 2u;
      stage(next, staged, place, vector, chunk * CHUNK + vector < vectors);
      workgroupBarrier();
      var further = (chunk + 1u) * CHUNK;
      if (chunk + 1u == chunks) {
        further = 0u;
        key_at = ((first_key + min(step + STEP + vec2u(staged, staged + 32u), vec2u(key_count - 1u))) * heads + head) * vectors + vector;
      }
      next = array<vec4f, 3>(key[key_at.x + further], key[key_at.y + further], query[query_at + further]);
      if (exists) { scores = with_chunk(scores, x, y, place, count); }
    }
    if (COUNTING > 0u && exists) { multiplied += vectors * select(2u, 4u, count > STEP / 2u); }
    var largest = vec4f(MASKED);
    for (var i = 0u; i < 4u; i++) {
      scores[i] = select(vec4f(MASKED), scores[i] * parameters.scale, x + 16u * i < count);
      largest = max(largest, scores[i]);
    }
    rows_staged[staged].chunks[0][vector] = largest;
    workgroupBarrier();

    var peak = maximum;
    for (var i = 0u; i < 16u; i++) { peak = max(peak, rows_staged[4u * y + i / 4u].chunks[0][i % 4u]); }
    let by = exp(maximum - peak);
    maximum = peak;
    sum *= by;
    if (x == 0u) { factors[y] = by; }
    for (var i = 0u; i < 4u; i++) {
      let column = x + 16u * i;
      var weight = select(vec4f(), exp(scores[i] - maximum), column < count);
      sum += weight;
      if (DROPOUT > 0u) { weight *= kept(chains, plan[parameters.positions_at + first_key + min(step + column, key_count - 1u)]); }
      columns_staged[column].chunks[y / 4u][y % 4u] = weight;
    }
    workgroupBarrier();

    if (sums_exist) {
      sums = scaled_sums(sums, summed);
      for (var begin = part; begin < count; begin += 4u * PARTS) {
        for (var i = 0u; i < 4u; i++) {
          let column = begin + i * PARTS;
          let at = ((first_key + min(step + column, key_count - 1u)) * heads + head) * vectors;
          sums = with_column(sums, value[at + across_0], value[at + across_1], column, summed);
        }
      }
    }
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    columns_staged[own / 2u].chunks[own % 2u][0] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 128u; i++) { all += columns_staged[i / 2u].chunks[i % 2u][0]; }
    if (own == 0u) { output[parameters.counts_before + group.y * groups.x + group.x] = all; }
    return;
  }
  rows_staged[staged].chunks[0][vector] = sum;
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < 16u; i++) { total += rows_staged[4u * y + i / 4u].chunks[0][i % 4u]; }
  if (x == 0u) {
    factors[y] = 1.0 / total;
    let logarithms = maximum + log(total);
    for (var r = 0u; r < 4u; r++) {
      if (4u * y + r < row_count) { log_sum_exp[(row_start + 4u * y + r) * heads + head] = logarithms[r]; }
    }
  }
  sums = of_all_parts(sums, own);
  if (part > 0u) { return; }
  sums = scaled_sums(sums, summed);
  for (var r = 0u; r < 4u; r++) {
    let upper_at = ((row_start + summed + r) * heads + head) * vectors + across;
    let lower_at = upper_at + 4u * heads * vectors;
    let has_upper = summed + r < row_count;
    let has_lower = summed + 4u + r < row_count;
    if (has_upper && across < vectors) { output[upper_at] = sums.upper_0[r]; }
    if (has_lower && across < vectors) { output[lower_at] = sums.lower_0[r]; }
    if (has_upper && across + ACROSS < vectors) { output[upper_at + ACROSS] = sums.upper_1[r]; }
    if (has_lower && across + ACROSS < vectors) { output[lower_at + ACROSS] = sums.lower_1[r]; }
  }
}
