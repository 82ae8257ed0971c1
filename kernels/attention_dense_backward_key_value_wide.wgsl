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
// Invocations 16 across x 8 down. Scores, and products of values: an invocation owns four key rows against queries x, x + 16, x + 32,
//             x + 48 of the step's 64. Gradients: eight rows x one of the workgroup's vectors, over every PARTS-th query; in the end
//             PARTS invocations add what they have. Two vectors, as in the other kernels, would be too many registers.
//
// Why so: see attention_dense_forward_wide.wgsl. Queries and output gradients are read a second time, from the cache, for the last products.

const PARTS = 2u; // invocations that share out the queries of the last products: 4 for heads of at most 32 channels, else 2
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

const STEP = 64u; // queries a step
const CHUNK = 4u; // vectors of a row or column that are staged at a time, in one of two places
const PART = 128u / PARTS; // invocations that take the same queries in the last product
const ACROSS = PART / 4u; // of them side by side, along the vectors of a row
const OFFSETS = vec4u(0u, 1u, 2u, 3u);

// Two chunks of a row or column, or eight other vectors; and a gap, so that neighbours begin in different banks.
struct Staged { chunks: array<array<vec4f, 4>, 2>, gap: vec4f }
// Sums of an invocation's eight rows, in fours, for the vector that it owns.
struct Sums { upper: mat4x4f, lower: mat4x4f }

var<private> multiplied: u32;
var<workgroup> columns_staged: array<Staged, 64>; // two chunks of the step's columns; then, by column, the weights of all rows
var<workgroup> rows_staged: array<Staged, 32>; // two chunks of the tile's rows

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
// sums + weights · a vector of a column, whose weights of all rows are staged.
fn with_column(sums: Sums, v: vec4f, column: u32, summed: u32) -> Sums {
  return Sums(
    with_weighted(sums.upper, v, columns_staged[column].chunks[summed / 16u][summed / 4u % 4u]),
    with_weighted(sums.lower, v, columns_staged[column].chunks[summed / 16u][summed / 4u % 4u + 1u]),
  );
}
// What is staged of columns and a row: of queries and keys, or of the output's gradients and values.
fn loaded(of_queries: bool, columns_at: vec2u, row_at: u32) -> array<vec4f, 3> {
  if (of_queries) { return array<vec4f, 3>(query[columns_at.x], query[columns_at.y], key[row_at]); }
  return array<vec4f, 3>(output_gradient[columns_at.x], output_gradient[columns_at.y], value[row_at]);
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
  let upper = of_parts(sums.upper, own);
  let lower = of_parts(sums.lower, own);
  return Sums(upper, lower);
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
  let tokens = row_start + min(4u * y + OFFSETS, vec4u(row_count - 1u));
  let exists = 4u * (y & 6u) < row_count;
  let chain = chained(vec4u(parameters.dropout_stream), vec4u(head));
  var positions = vec4u();
  if (DROPOUT > 0u) {
    let at = parameters.positions_at + tokens;
    positions = vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]);
  }
  // What an invocation stages: a vector of a row, and of columns `staged` and `staged` + 32.
  let staged = own / CHUNK;
  let vector = own % CHUNK;
  let row_at = ((row_start + min(staged, row_count - 1u)) * heads + head) * vectors + vector;
  // What it sums: one of the workgroup's 16 vectors of the eight rows from `summed` on, for every PARTS-th column.
  let part = own / PART;
  let summed = 8u * ((own / ACROSS) % 4u);
  let own_vector = 16u * group.z + own % ACROSS;
  let across = min(own_vector, vectors - 1u);
  let sums_exist = summed < row_count;
  var key_sums = Sums();
  var value_sums = Sums();

  let chunks = (vectors + CHUNK - 1u) / CHUNK;
  var columns_at = ((first_query + min(vec2u(staged, staged + 32u), vec2u(query_count - 1u))) * heads + head) * vectors + vector;
  var next = loaded(true, columns_at, row_at); // what is staged next, loaded while the products before are computed
  for (var step = 0u; step < query_count; step += STEP) {
    let count = min(STEP, query_count - step);
    var scores = mat4x4f();
    var products = mat4x4f();
    // All chunks of queries, then of output gradients.
    for (var chunk = 0u; chunk < 2u * chunks; chunk++) {
      if (chunk == chunks) {
        scores = products;
        products = mat4x4f();
      }
      let place = chunk % 2u;
      stage(next, staged, place, vector, chunk % chunks * CHUNK + vector < vectors);
      workgroupBarrier();
      if (chunk + 1u < 2u * chunks) {
        let further = (chunk + 1u) % chunks * CHUNK;
        next = loaded(chunk + 1u < chunks, columns_at + further, row_at + further);
      }
      if (exists) { products = with_chunk(products, x, y, place, count); }
    }
    if (COUNTING > 0u && exists) { multiplied += vectors * select(2u, 4u, count > STEP / 2u); }
    workgroupBarrier();
    // Weights of values are staged here, those of keys kept for later.
    for (var i = 0u; i < 4u; i++) {
      let column = x + 16u * i;
      let token = first_query + min(step + column, query_count - 1u);
      let row = statistics[token * heads + head];
      let weight = select(vec4f(), exp(scores[i] * parameters.scale - row.x), column < count);
      var keep = vec4f(1.0);
      if (DROPOUT > 0u) { keep = kept(chained(chain, vec4u(plan[parameters.positions_at + token])).x, positions); }
      columns_staged[column].chunks[y / 4u][y % 4u] = keep * weight;
      scores[i] = weight * (keep * products[i] - row.y);
    }
    workgroupBarrier();

    if (sums_exist) {
      for (var begin = part; begin < count; begin += 4u * PARTS) {
        for (var i = 0u; i < 4u; i++) {
          let column = begin + i * PARTS;
          let at = ((first_query + min(step + column, query_count - 1u)) * heads + head) * vectors;
          value_sums = with_column(value_sums, output_gradient[at + across], column, summed);
        }
      }
    }
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) { columns_staged[x + 16u * i].chunks[y / 4u][y % 4u] = scores[i]; }
    workgroupBarrier();

    columns_at = ((first_query + min(step + STEP + vec2u(staged, staged + 32u), vec2u(query_count - 1u))) * heads + head) * vectors + vector;
    next = loaded(true, columns_at, row_at);
    if (sums_exist) {
      for (var begin = part; begin < count; begin += 4u * PARTS) {
        for (var i = 0u; i < 4u; i++) {
          let column = begin + i * PARTS;
          let at = ((first_query + min(step + column, query_count - 1u)) * heads + head) * vectors;
          key_sums = with_column(key_sums, query[at + across], column, summed);
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
    if (own == 0u && group.z == 0u) { key_gradient[parameters.counts_before + group.y * groups.x + group.x] = all; }
    return;
  }
  key_sums = of_all_parts(key_sums, own);
  value_sums = of_all_parts(value_sums, own);
  if (part > 0u || own_vector >= vectors) { return; }
  for (var r = 0u; r < 4u; r++) {
    let upper_at = ((row_start + summed + r) * heads + head) * vectors + own_vector;
    let lower_at = upper_at + 4u * heads * vectors;
    if (summed + r < row_count) {
      key_gradient[upper_at] = parameters.scale * key_sums.upper[r];
      value_gradient[upper_at] = value_sums.upper[r];
    }
    if (summed + 4u + r < row_count) {
      key_gradient[lower_at] = parameters.scale * key_sums.lower[r];
      value_gradient[lower_at] = value_sums.lower[r];
    }
  }
}
