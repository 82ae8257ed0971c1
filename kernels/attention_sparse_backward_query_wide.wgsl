// Block-sparse attention, backward: the gradient of the queries, and what the bias table's needs of each row.
//
//   P[i,j] = exp(S[i,j] - L[i])      dS[i,j] = P[i,j] · (drop(dO_i · v_j) - Δ_i)      dq_i = scale · Σ_j dS[i,j] k_j
//   with Δ_i = dO_i · O_i
//
// Scores are computed again instead of being kept (Dao et al. 2022, arXiv 2205.14135, algorithm 4). No atomics: a
// workgroup owns its rows, the order of every sum is fixed.
//
// Buffers (group 0)
//   query, key, value, output_gradient, query_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan              tiles of up to 32 rows, ranges, positions, sentences, labels, tables (src/plan/plan-words.ts): the forward
//                     pass's
//   statistics        [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
//   label_gradients   [tokens, heads, labels] f32: of each row, Σ dS over the keys of each label
// Grid        (tiles, heads). A workgroup owns up to 32 query rows of one sequence in one head.
// Invocations 16 across x 8 down. An invocation owns four rows: what they have with columns x and x + 16 of the step's 32, and of
//             their gradients every vector whose number is its own x modulo 16.
//
// Why so: see attention_dense_backward_query_wide.wgsl and attention_sparse_forward_wide.wgsl. Keys come sorted by label: of each row one
// invocation sums the gradients of a label in a register, and adds them to what stands in memory when the label changes.

const OUTPUT_VECTORS = 1u; // that an invocation owns of each of its rows: ceil(headDim / 64), at most 2
const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const BIAS_GRADIENT = 0u; // 1 where label_gradients are wanted
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
@group(0) @binding(6) var<storage, read_write> query_gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> label_gradients: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step
const CHUNK = 16u; // vectors of a key or value that are staged at a time
const PITCH = 17u; // from one staged key to the next: one more than there are, so that keys begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 0xffffffffu;
const NO_LABEL = 0xffffffffu;
const KEPT_RANGES = 32u; // of a tile, in workgroup memory; it seldom has more
const TEST_PLACES = 2u;
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise
const ABSENT = 0.5 * MASKED; // scores below it are those of pairs that do not exist

// What a row must know of a key: where its vectors begin, its label, or NO_LABEL where a slot only fills up, and its place.
struct Column { at: u32, label: u32, position: u32, sentence: u32 }
// What an invocation knows of its four rows.
struct Rows { labels: vec4u, positions: vec4u, sentences: vec4u }
// The first of a tile's ranges, how many more there are, and which of them an invocation's last column was in; slots only ever
// ascend.
struct Walk { first: u32, last: u32, range: u32 }

// Of four rows with columns x and x + 16.
struct Pair { first: vec4f, second: vec4f }

var<private> multiplied: u32;
var<workgroup> staged: array<vec4f, 544>; // [key, PITCH]: a chunk of the step's values, then of its keys
var<workgroup> weights: array<vec4f, 256>; // [key, 8]: gradients of the scores of four rows, at weight_at
var<workgroup> kept_ranges: array<u32, 96>; // the words of the tile's first ranges
var<workgroup> columns: array<Column, 64>; // of this step and of the next

// Keys are four banks' widths apart, so the rows' order changes from key to key.
fn weight_at(column: u32, y: u32) -> u32 { return 8u * column + (y ^ (column & 7u)); }

fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }

// Labels stand four in a word.
fn label_of(token: u32, shift: u32) -> u32 {
  let at = token + shift;
  return (plan[parameters.labels_at + (at >> 2u)] >> (8u * (at & 3u))) & 255u;
}
// Entries of four rows' labels against a key's in a table [label_count, label_count].
fn entries(table: u32, rows: Rows, label: u32) -> vec4f {
  return bitcast<vec4f>(words_of(table + rows.labels * parameters.label_count + label));
}
// Whether pairs are within reach (src/grammar/scope.ts): a window in pieces, and a half more where a common sentence suffices.
fn within(reach: vec4f, distance: vec4f, same_sentence: vec4<bool>) -> vec4<bool> {
  return (distance <= reach) | ((fract(reach) == vec4f(0.5)) & same_sentence);
}
// What is added to the scores of four rows against a key: `near` within hard reach.
fn placed(near: vec4f, rows: Rows, column: Column) -> vec4f {
  let hard = entries(parameters.reach_at, rows, column.label);
  let soft = entries(parameters.reach_at + parameters.label_count * parameters.label_count, rows, column.label);
  let own = vec4u(column.sentence);
  let none = vec4u(NO_SENTENCE);
  let same = (rows.sentences == own) | (rows.sentences == none) | (own == none);
  let distance = abs(vec4f(rows.positions) - f32(column.position));
  let elsewhere = select(vec4f(parameters.elsewhere), vec4f(parameters.soft_bias), within(soft, distance, same));
  let bias = select(elsewhere, near, within(hard, distance, same));
  return select(bias, vec4f(MASKED), (vec4u(column.position) > rows.positions) & vec4<bool>(parameters.causal != 0u));
}
// What is added to the scores of four rows against a key. `table` is that of the biases.
fn bias_of(tests: u32, table: u32, rows: Rows, column: Column) -> vec4f {
  if (column.label == NO_LABEL) { return vec4f(MASKED); }
  if (tests == 0u) { return vec4f(); }
  let near = entries(table, rows, column.label);
  if (PLACED == 0u || (tests & TEST_PLACES) == 0u) { return near; }
  return placed(near, rows, column);
}

// exp(m - shift), and exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
fn weight(m: vec4f, shift: vec4f) -> vec4f { return select(vec4f(), exp(m - shift), m > vec4f(ABSENT)); }

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

// A word of the range that is `further` behind the walk's. Each would take as long as a load takes, one after the other, while
// everybody waits for the step's columns: so the first ranges are kept.
fn range_word(walk: Walk, further: u32, word: u32) -> u32 {
  let at = 3u * (walk.range + further) + word;
  if (at < 3u * KEPT_RANGES) { return kept_ranges[at]; }
  return plan[parameters.ranges_at + 3u * walk.first + at];
}
// Column `own` of a step, for the invocations that have one.
fn look_up(step: u32, slot_count: u32, own: u32, head: u32, tests: u32, label_shift: u32, walk: ptr<function, Walk>) {
  if (own >= STEP || step >= slot_count) { return; }
  let slot = min(step + own, slot_count - 1u);
  while ((*walk).range < (*walk).last && range_word(*walk, 1u, 2u) <= slot) { (*walk).range += 1u; }
  let passed = slot - range_word(*walk, 0u, 2u);
  let count = range_word(*walk, 0u, 1u);
  let token = range_word(*walk, 0u, 0u) + min(passed, count - 1u);
  var column = Column();
  column.at = (token * parameters.heads + head) * parameters.head_vectors;
  if (passed >= count || step + own >= slot_count) { column.label = NO_LABEL; }
  else if (tests != 0u || BIAS_GRADIENT > 0u) { column.label = label_of(token, label_shift); }
  if (PLACED > 0u) { column.sentence = plan[parameters.sentences_at + token]; }
  if (DROPOUT + PLACED > 0u) { column.position = plan[parameters.positions_at + token]; }
  columns[(step & STEP) + own] = column;
}

// What an invocation stages of a chunk: vector x of every eighth column, from its own y on.
fn columns_at(step: u32, y: u32, vector: u32) -> vec4u {
  let first = (step & STEP) + y;
  return vec4u(columns[first].at, columns[first + 8u].at, columns[first + 16u].at, columns[first + 24u].at) + vector;
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
fn with_output_gradient(sum: Pair, at: vec4u, x: u32, d: u32) -> Pair {
  let rows = mat4x4f(output_gradient[at.x + d], output_gradient[at.y + d], output_gradient[at.z + d], output_gradient[at.w + d]);
  return Pair(sum.first + staged[PITCH * x + d] * rows, sum.second + staged[PITCH * (x + 16u) + d] * rows);
}
fn with_output_gradient_chunk(sum: Pair, at: vec4u, x: u32, depth: u32) -> Pair {
  var products = sum;
  let even = depth & ~1u;
  for (var d = 0u; d < even; d += 2u) { products = with_output_gradient(with_output_gradient(products, at, x, d), at, x, d + 1u); }
  if (even < depth) { products = with_output_gradient(products, at, x, even); }
  return products;
}
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
// sum + gradients of scores · keys, for a vector of four rows.
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
  let chains = chained(chained(vec4u(parameters.dropout_stream), vec4u(head)), rows.positions);
  let statistics_at = tokens * heads + head;
  let a = statistics[statistics_at.x];
  let b = statistics[statistics_at.y];
  let c = statistics[statistics_at.z];
  let d = statistics[statistics_at.w];
  let log_sums = vec4f(a.x, b.x, c.x, d.x);
  let deltas = vec4f(a.y, b.y, c.y, d.y);
  var gradient_0 = mat4x4f();
  var gradient_1 = mat4x4f();
  // The row whose label gradients an invocation sums, if any.
  let summed_row = 4u * y + x;
  let sums_labels = BIAS_GRADIENT > 0u && x < 4u && summed_row < row_count;
  let labels_to = ((row_start + summed_row) * heads + head) * parameters.label_count;
  var label = 0u;
  var label_sum = 0.0;
  for (var i = 0u; sums_labels && i < parameters.label_count; i++) { label_gradients[labels_to + i] = 0.0; }

  if (own < 3u * min(range_count, KEPT_RANGES)) { kept_ranges[own] = plan[parameters.ranges_at + 3u * first_range + own]; }
  workgroupBarrier();
  look_up(0u, slot_count, own, head, tests, label_shift, &walk);
  workgroupBarrier();
  let vector = min(x, vectors - 1u);
  let second_vector = min(x + CHUNK, vectors - 1u);
  var next = mat4x4f(); // what is staged next, loaded while the products before are computed
  if (slot_count > 0u) { next = values(columns_at(0u, y, vector)); }

  for (var step = 0u; step < slot_count; step += STEP) {
    var products = Pair();
    for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < OUTPUT_VECTORS) { next = values(columns_at(step, y, second_vector)); }
      else { next = keys(columns_at(step, y, vector)); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      products = with_output_gradient_chunk(products, row_at + chunk * CHUNK, x, depth);
      workgroupBarrier();
    }
    var scores = Pair();
    for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
      stage(next, x, y);
      workgroupBarrier();
      if (chunk + 1u < OUTPUT_VECTORS) { next = keys(columns_at(step, y, second_vector)); }
      let depth = select(0u, min(CHUNK, vectors - chunk * CHUNK), exists);
      scores = with_query_chunk(scores, row_at + chunk * CHUNK, x, depth);
      if (chunk + 1u < OUTPUT_VECTORS) { workgroupBarrier(); }
    }
    let column_0 = columns[(step & STEP) + x];
    let column_1 = columns[(step & STEP) + x + 16u];
    if (DROPOUT > 0u) {
      products.first *= kept(chains, column_0.position);
      products.second *= kept(chains, column_1.position);
    }
    scores.first = scores.first * parameters.scale + bias_of(tests, table, rows, column_0);
    scores.second = scores.second * parameters.scale + bias_of(tests, table, rows, column_1);
    weights[weight_at(x, y)] = weight(scores.first, log_sums) * (products.first - deltas);
    weights[weight_at(x + 16u, y)] = weight(scores.second, log_sums) * (products.second - deltas);
    look_up(step + STEP, slot_count, own, head, tests, label_shift, &walk);
    workgroupBarrier();

    let count = select(0u, min(STEP, slot_count - step), exists);
    for (var column = 0u; sums_labels && column < count; column++) {
      let next_label = columns[(step & STEP) + column].label;
      if (next_label != label && next_label != NO_LABEL) {
        label_gradients[labels_to + label] += label_sum;
        label = next_label;
        label_sum = 0.0;
      }
      label_sum += weights[weight_at(column, y)][x & 3u];
    }
    // The last chunk of keys is still staged.
    if (OUTPUT_VECTORS > 1u) {
      gradient_1 = accumulated(gradient_1, count, x, y);
      workgroupBarrier();
      stage(keys(columns_at(step, y, vector)), x, y);
      workgroupBarrier();
    }
    if (step + STEP < slot_count) { next = values(columns_at(step + STEP, y, vector)); }
    gradient_0 = accumulated(gradient_0, count, x, y);
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    staged[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 128u; i++) { all += staged[i]; }
    if (own == 0u) { query_gradient[group.y * groups.x + group.x] = all; }
    return;
  }
  if (sums_labels) { label_gradients[labels_to + label] += label_sum; }
  for (var r = 0u; r < 4u; r++) {
    if (own_rows[r] < row_count) {
      if (x < vectors) { query_gradient[row_at[r] + x] = parameters.scale * gradient_0[r]; }
      if (OUTPUT_VECTORS > 1u && x + CHUNK < vectors) { query_gradient[row_at[r] + x + CHUNK] = parameters.scale * gradient_1[r]; }
    }
  }
}
