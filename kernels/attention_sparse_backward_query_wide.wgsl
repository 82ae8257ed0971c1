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
// Invocations 16 across x 8 down. Scores, and products of values: an invocation owns four rows against columns x, x + 16, x + 32,
//             x + 48 of the step's 64. Gradients: eight rows x two vectors, over every PARTS-th column; in the end PARTS invocations
//             add what they have.
//
// Why so: see attention_sparse_forward_wide.wgsl.

const PARTS = 4u; // invocations that share out the keys of the second product: 2, 4 or 8, for heads of at most 128, 64 and 32 channels
const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const BIAS_GRADIENT = 0u; // 1 where label_gradients are wanted
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  counts_before: u32, // workgroups of earlier dispatches, whose counts stand first
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

const STEP = 64u; // keys a step
const CHUNK = 4u; // vectors of a row or column that are staged at a time, in one of two places
const PART = 128u / PARTS; // invocations that take the same keys in the last product
const ACROSS = PART / 4u; // of them side by side, along the vectors of a row
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 0xffffffffu;
const NO_LABEL = 0xffffffffu;
const KEPT_RANGES = 32u; // of a tile, in workgroup memory; it seldom has more
const TEST_PLACES = 2u;
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise
const ABSENT = 0.5 * MASKED; // scores below it are those of pairs that do not exist

// What a row must know of a key: its token and head as one number, its label, or NO_LABEL where a slot only fills up, and its place.
struct Column { token_head: u32, label: u32, position: u32, sentence: u32 }
// What an invocation knows of its four rows.
struct Rows { labels: vec4u, positions: vec4u, sentences: vec4u }
// The first of a tile's ranges, how many more there are, and which of them an invocation's last column was in; slots only ever
// ascend.
struct Walk { first: u32, last: u32, range: u32 }

// Two chunks of a row or column, or eight other vectors; and a gap, so that neighbours begin in different banks.
struct Staged { chunks: array<array<vec4f, 4>, 2>, gap: vec4f }
// Sums of an invocation's eight rows, in fours, for the two vectors that it owns.
struct Sums { upper_0: mat4x4f, lower_0: mat4x4f, upper_1: mat4x4f, lower_1: mat4x4f }

var<private> multiplied: u32;
var<workgroup> columns_staged: array<Staged, 64>; // two chunks of the step's columns; then, by column, the weights of all rows
var<workgroup> rows_staged: array<Staged, 32>; // two chunks of the tile's rows
var<workgroup> kept_ranges: array<u32, 96>; // the words of the tile's first ranges
var<workgroup> columns: array<Column, 128>; // of this step and of the next

fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }

// Labels stand four in a word.
fn label_of(token: u32, shift: u32) -> u32 {
  let at = token + shift;
  return (plan[parameters.labels_at + (at >> 2u)] >> (8u * (at & 3u))) & 255u;
}
fn labels_of(at: vec4u, shift: u32) -> vec4u {
  return vec4u(label_of(at.x, shift), label_of(at.y, shift), label_of(at.z, shift), label_of(at.w, shift));
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
fn weight_of(m: vec4f, shift: vec4f) -> vec4f { return select(vec4f(), exp(m - shift), m > vec4f(ABSENT)); }

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
  column.token_head = token * parameters.heads + head;
  if (passed >= count || step + own >= slot_count) { column.label = NO_LABEL; }
  else if (tests != 0u || BIAS_GRADIENT > 0u) { column.label = label_of(token, label_shift); }
  if (PLACED > 0u) { column.sentence = plan[parameters.sentences_at + token]; }
  if (DROPOUT + PLACED > 0u) { column.position = plan[parameters.positions_at + token]; }
  columns[(step & STEP) + own] = column;
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
// What is staged of columns and a row: of values and the output's gradients, or of keys and queries.
fn loaded(of_values: bool, columns_at: vec2u, row_at: u32) -> array<vec4f, 3> {
  if (of_values) { return array<vec4f, 3>(value[columns_at.x], value[columns_at.y], output_gradient[row_at]); }
  return array<vec4f, 3>(key[columns_at.x], key[columns_at.y], query[row_at]);
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
  let tokens = row_start + min(4u * y + OFFSETS, vec4u(row_count - 1u));
  let exists = 4u * (y & 6u) < row_count;
  var rows = Rows();
  if (tests != 0u) { rows.labels = labels_of(tokens, label_shift); }
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
  // What an invocation stages: a vector of a row, and of columns `staged` and `staged` + 32.
  let staged = own / CHUNK;
  let vector = own % CHUNK;
  let row_at = ((row_start + min(staged, row_count - 1u)) * heads + head) * vectors + vector;
  // What it sums: vectors `across` and `across` + ACROSS of the eight rows from `summed` on, for every PARTS-th column.
  let part = own / PART;
  let summed = 8u * ((own / ACROSS) % 4u);
  let across = own % ACROSS;
  let across_0 = min(across, vectors - 1u);
  let across_1 = min(across + ACROSS, vectors - 1u);
  let sums_exist = summed < row_count;
  var sums = Sums();
  // The row whose label gradients an invocation sums, if any.
  let summed_row = 4u * y + x;
  let sums_labels = BIAS_GRADIENT > 0u && x < 4u && summed_row < row_count;
  let labels_to = ((row_start + summed_row) * heads + head) * parameters.label_count;
  var label = 0u;
  var label_sum = 0.0;
  for (var i = 0u; sums_labels && i < parameters.label_count; i++) { label_gradients[labels_to + i] = 0.0; }

  let chunks = (vectors + CHUNK - 1u) / CHUNK;
  if (own < 3u * min(range_count, KEPT_RANGES)) { kept_ranges[own] = plan[parameters.ranges_at + 3u * first_range + own]; }
  workgroupBarrier();
  look_up(0u, slot_count, own, head, tests, label_shift, &walk);
  workgroupBarrier();
  var columns_at = vec2u(columns[staged].token_head, columns[staged + 32u].token_head) * vectors + vector;
  var next = loaded(true, columns_at, row_at); // what is staged next, loaded while the products before are computed
  for (var step = 0u; step < slot_count; step += STEP) {
    let half = step & STEP;
    let count = min(STEP, slot_count - step);
    var products = mat4x4f();
    var scores = mat4x4f();
    // All chunks of values, then of keys.
    for (var chunk = 0u; chunk < 2u * chunks; chunk++) {
      if (chunk == chunks) {
        products = scores;
        scores = mat4x4f();
      }
      let place = chunk % 2u;
      stage(next, staged, place, vector, chunk % chunks * CHUNK + vector < vectors);
      workgroupBarrier();
      if (chunk + 1u < 2u * chunks) {
        let further = (chunk + 1u) % chunks * CHUNK;
        next = loaded(chunk + 1u < chunks, columns_at + further, row_at + further);
      }
      if (exists) { scores = with_chunk(scores, x, y, place, count); }
    }
    if (COUNTING > 0u && exists) { multiplied += vectors * select(2u, 4u, count > STEP / 2u); }
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      let column = columns[half + x + 16u * i];
      if (DROPOUT > 0u) { products[i] *= kept(chains, column.position); }
      let weight = weight_of(scores[i] * parameters.scale + bias_of(tests, table, rows, column), log_sums);
      columns_staged[x + 16u * i].chunks[y / 4u][y % 4u] = weight * (products[i] - deltas);
    }
    look_up(step + STEP, slot_count, own, head, tests, label_shift, &walk);
    workgroupBarrier();

    if (step + STEP < slot_count) {
      let following = STEP - half + staged;
      columns_at = vec2u(columns[following].token_head, columns[following + 32u].token_head) * vectors + vector;
      next = loaded(true, columns_at, row_at);
    }
    for (var column = 0u; sums_labels && column < count; column++) {
      let next_label = columns[half + column].label;
      if (next_label != label && next_label != NO_LABEL) {
        label_gradients[labels_to + label] += label_sum;
        label = next_label;
        label_sum = 0.0;
      }
      label_sum += columns_staged[column].chunks[y / 4u][y % 4u][x & 3u];
    }
    if (sums_exist) {
      for (var begin = part; begin < count; begin += 4u * PARTS) {
        for (var i = 0u; i < 4u; i++) {
          let column = begin + i * PARTS;
          let at = columns[half + column].token_head * vectors;
          sums = with_column(sums, key[at + across_0], key[at + across_1], column, summed);
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
    if (own == 0u) { query_gradient[parameters.counts_before + group.y * groups.x + group.x] = all; }
    return;
  }
  if (sums_labels) { label_gradients[labels_to + label] += label_sum; }
  sums = of_all_parts(sums, own);
  if (part > 0u) { return; }
  for (var r = 0u; r < 4u; r++) {
    let upper_at = ((row_start + summed + r) * heads + head) * vectors + across;
    let lower_at = upper_at + 4u * heads * vectors;
    let has_upper = summed + r < row_count;
    let has_lower = summed + 4u + r < row_count;
    if (has_upper && across < vectors) { query_gradient[upper_at] = parameters.scale * sums.upper_0[r]; }
    if (has_lower && across < vectors) { query_gradient[lower_at] = parameters.scale * sums.lower_0[r]; }
    if (has_upper && across + ACROSS < vectors) { query_gradient[upper_at + ACROSS] = parameters.scale * sums.upper_1[r]; }
    if (has_lower && across + ACROSS < vectors) { query_gradient[lower_at + ACROSS] = parameters.scale * sums.lower_1[r]; }
  }
}
