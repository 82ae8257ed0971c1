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
//   plan         tiles of up to 32 key rows, their ranges of queries, positions, sentences, labels, tables
//                (src/plan/plan-words.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid        (tiles of keys, heads, ceil(headDim / 64)). A workgroup owns up to 32 key rows of one sequence in one head, and 64
//             channels of their gradients: more would not fit the registers.
// Invocations 16 across x 8 down. An invocation owns four key rows: what they have with queries x and x + 16 of the step's 32, and
//             of the workgroup's channels of their gradients the vector whose number is its own x.
//
// Why so: see attention_dense_backward_key_value_wide.wgsl and attention_sparse_forward_wide.wgsl.

const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  heads_at: u32,
  tiles_at: u32,
  ranges_at: u32,
  positions_at: u32,
  sentences_at: u32,
  labels_at: u32,
  table_at: u32,
  table_stride: u32, // from one head's bias table to the next; 0 where all heads share one
  reach_at: u32,
  label_count: u32,
  scale: f32,
  soft_bias: f32,
  elsewhere: f32,
  causal: u32,
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
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 0xffffffffu;
const NO_LABEL = 0xffffffffu;
const KEPT_RANGES = 32u; // of a tile, in workgroup memory; it seldom has more
const TEST_PLACES = 2u;
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise
const ABSENT = 0.5 * MASKED; // scores below it are those of pairs that do not exist

// What a key row must know of a query: where its vectors begin, where its label's row begins in a table, its place, its chain of
// random words, L and Δ. The label is NO_LABEL where a slot only fills up.
struct Column { at: u32, label: u32, position: u32, sentence: u32, chain: u32, log_sum: f32, delta: f32 }
// What an invocation knows of its four rows.
struct Rows { labels: vec4u, positions: vec4u, sentences: vec4u }
// The first of a tile's ranges, how many more there are, and which of them an invocation's last column was in; slots only ever
// ascend.
struct Walk { first: u32, last: u32, range: u32 }

// Of four rows with columns x and x + 16.
struct Pair { first: vec4f, second: vec4f }

var<private> multiplied: u32;
var<workgroup> staged: array<vec4f, 544>; // [query, PITCH]: a chunk of the step's queries, or of its output gradients
var<workgroup> weights: array<vec4f, 256>; // [query, 8]: of four rows, at weight_at: probabilities, then the gradients of scores
var<workgroup> kept_ranges: array<u32, 96>; // the words of the tile's first ranges
var<workgroup> columns: array<Column, 64>; // of this step and of the next

// Queries are four banks' widths apart, so the rows' order changes from query to query.
fn weight_at(column: u32, y: u32) -> u32 { return 8u * column + (y ^ (column & 7u)); }

fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }

// Labels stand four in a word.
fn label_of(token: u32, shift: u32) -> u32 {
  let at = token + shift;
  return (plan[parameters.labels_at + (at >> 2u)] >> (8u * (at & 3u))) & 255u;
}
// Entries of four rows' labels against a query's in a table [label_count, label_count], by the query's, then the row's.
fn entries(table: u32, rows: Rows, label: u32) -> vec4f {
  return bitcast<vec4f>(words_of(table + label + rows.labels));
}
// Whether pairs are within reach (src/grammar/scope.ts): a window in pieces, and a half more where a common sentence suffices.
fn within(reach: vec4f, distance: vec4f, same_sentence: vec4<bool>) -> vec4<bool> {
  return (distance <= reach) | ((fract(reach) == vec4f(0.5)) & same_sentence);
}
// What is added to the scores of four rows against a query: `near` within hard reach.
fn placed(near: vec4f, rows: Rows, column: Column) -> vec4f {
  let hard = entries(parameters.reach_at, rows, column.label);
  let soft = entries(parameters.reach_at + parameters.label_count * parameters.label_count, rows, column.label);
  let own = vec4u(column.sentence);
  let none = vec4u(NO_SENTENCE);
  let same = (rows.sentences == own) | (rows.sentences == none) | (own == none);
  let distance = abs(vec4f(rows.positions) - f32(column.position));
  let elsewhere = select(vec4f(parameters.elsewhere), vec4f(parameters.soft_bias), within(soft, distance, same));
  let bias = select(elsewhere, near, within(hard, distance, same));
  return select(bias, vec4f(MASKED), (vec4u(column.position) < rows.positions) & vec4<bool>(parameters.causal != 0u));
}
// What is added to the scores of four rows against a query. `table` is that of the biases.
fn bias_of(tests: u32, table: u32, rows: Rows, column: Column) -> vec4f {
  if (column.label == NO_LABEL) { return vec4f(MASKED); }
  if (tests == 0u) { return vec4f(); }
  let near = entries(table, rows, column.label);
  if (PLACED == 0u || (tests & TEST_PLACES) == 0u) { return near; }
  return placed(near, rows, column);
}

// exp(m - shift), and exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
fn weight(m: vec4f, shift: f32) -> vec4f { return select(vec4f(), exp(m - shift), m > vec4f(ABSENT)); }

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

// A word of the range that is `further` behind the walk's. Each would take as long as a load takes, one after the other, while
// everybody waits for the step's columns: so the first ranges are kept.
fn range_word(walk: Walk, further: u32, word: u32) -> u32 {
  let at = 3u * (walk.range + further) + word;
  if (at < 3u * KEPT_RANGES) { return kept_ranges[at]; }
  return plan[parameters.ranges_at + 3u * walk.first + at];
}
// Column `own` of a step, for the invocations that have one.
fn look_up(step: u32, slot_count: u32, own: u32, head: u32, tests: u32, label_shift: u32, chain: vec4u, walk: ptr<function, Walk>) {
  if (own >= STEP || step >= slot_count) { return; }
  let slot = min(step + own, slot_count - 1u);
  while ((*walk).range < (*walk).last && range_word(*walk, 1u, 2u) <= slot) { (*walk).range += 1u; }
  let passed = slot - range_word(*walk, 0u, 2u);
  let count = range_word(*walk, 0u, 1u);
  let token = range_word(*walk, 0u, 0u) + min(passed, count - 1u);
  var column = Column();
  column.at = (token * parameters.heads + head) * parameters.head_vectors;
  if (passed >= count || step + own >= slot_count) { column.label = NO_LABEL; }
  else if (tests != 0u) { column.label = label_of(token, label_shift) * parameters.label_count; }
  if (PLACED > 0u) { column.sentence = plan[parameters.sentences_at + token]; }
  if (DROPOUT + PLACED > 0u) { column.position = plan[parameters.positions_at + token]; }
  if (DROPOUT > 0u) { column.chain = chained(chain, vec4u(column.position)).x; }
  let row = statistics[token * parameters.heads + head];
  column.log_sum = row.x;
  column.delta = row.y;
  columns[(step & STEP) + own] = column;
}

// What an invocation stages of a chunk: vector x of every eighth column, from its own y on.
fn columns_at(step: u32, y: u32, vector: u32) -> vec4u {
  let first = (step & STEP) + y;
  return vec4u(columns[first].at, columns[first + 8u].at, columns[first + 16u].at, columns[first + 24u].at) + vector;
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
  let first_range = plan[tile + 2u];
  let range_count = plan[tile + 3u];
  var walk = Walk(first_range, range_count - 1u, 0u);
  let slot_count = plan[tile + 4u];
  let tests = plan[tile + 5u];
  let label_shift = plan[tile + 6u];
  var head = group.y;
  if (parameters.heads_at != ALL_HEADS) { head = plan[parameters.heads_at + group.y]; }
  let table = parameters.table_at + head * parameters.table_stride;
  let heads = parameters.heads;
  let vectors = parameters.head_vectors;
  let x = local.x;
  let y = local.y;

  // Rows behind the end of the tile repeat its last row, and are not stored. Eight such rows do no products.
  let own_rows = 4u * y + OFFSETS;
  let tokens = row_start + min(own_rows, vec4u(row_count - 1u));
  let row_at = (tokens * heads + head) * vectors;
  let exists = 4u * (y & 6u) < row_count;
  var rows = Rows();
  if (tests != 0u) {
    rows.labels = vec4u(label_of(tokens.x, label_shift), label_of(tokens.y, label_shift), label_of(tokens.z, label_shift), label_of(tokens.w, label_shift));
  }
  if (PLACED > 0u) { rows.sentences = words_of(parameters.sentences_at + tokens); }
  if (DROPOUT + PLACED > 0u) { rows.positions = words_of(parameters.positions_at + tokens); }
  let chain = chained(vec4u(parameters.dropout_stream), vec4u(head));
  // The channels that a workgroup owns, and how many chunks there are.
  let own_chunk = group.z;
  let chunks = (vectors + CHUNK - 1u) / CHUNK;
  let own_vector = own_chunk * CHUNK + x;
  var key_gradients = mat4x4f();
  var value_gradients = mat4x4f();

  if (own < 3u * min(range_count, KEPT_RANGES)) { kept_ranges[own] = plan[parameters.ranges_at + 3u * first_range + own]; }
  workgroupBarrier();
  look_up(0u, slot_count, own, head, tests, label_shift, chain, &walk);
  workgroupBarrier();
  var next = mat4x4f(); // what is staged next, loaded while the products before are computed
  if (slot_count > 0u) { next = queries(columns_at(0u, y, min(x, vectors - 1u))); }
  for (var step = 0u; step < slot_count; step += STEP) {
    var scores = Pair();
    for (var chunk = 0u; chunk < chunks; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < chunks) { next = queries(columns_at(step, y, min((chunk + 1u) * CHUNK + x, vectors - 1u))); }
      else { next = output_gradients(columns_at(step, y, min(x, vectors - 1u))); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      scores = with_key_chunk(scores, row_at + chunk * CHUNK, x, depth);
      workgroupBarrier();
    }
    let column_0 = columns[(step & STEP) + x];
    let column_1 = columns[(step & STEP) + x + 16u];
    let weights_0 = weight(scores.first * parameters.scale + bias_of(tests, table, rows, column_0), column_0.log_sum);
    let weights_1 = weight(scores.second * parameters.scale + bias_of(tests, table, rows, column_1), column_1.log_sum);
    var keep_0 = vec4f(1.0);
    var keep_1 = vec4f(1.0);
    if (DROPOUT > 0u) {
      keep_0 = kept(column_0.chain, rows.positions);
      keep_1 = kept(column_1.chain, rows.positions);
    }
    weights[weight_at(x, y)] = keep_0 * weights_0;
    weights[weight_at(x + 16u, y)] = keep_1 * weights_1;
    look_up(step + STEP, slot_count, own, head, tests, label_shift, chain, &walk);
    let count = select(0u, min(STEP, slot_count - step), exists);
    var products = Pair();
    for (var chunk = 0u; chunk < chunks; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < chunks) { next = output_gradients(columns_at(step, y, min((chunk + 1u) * CHUNK + x, vectors - 1u))); }
      else { next = queries(columns_at(step, y, min(own_chunk * CHUNK + x, vectors - 1u))); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      products = with_value_chunk(products, row_at + chunk * CHUNK, x, depth);
      if (chunk == own_chunk) { value_gradients = accumulated(value_gradients, count, x, y); }
      workgroupBarrier();
    }
    weights[weight_at(x, y)] = weights_0 * (keep_0 * products.first - column_0.delta);
    weights[weight_at(x + 16u, y)] = weights_1 * (keep_1 * products.second - column_1.delta);
    stage(next, x, y);
    workgroupBarrier();
    if (step + STEP < slot_count) { next = queries(columns_at(step + STEP, y, min(x, vectors - 1u))); }
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
