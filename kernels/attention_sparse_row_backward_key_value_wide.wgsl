// Block-sparse attention, backward, for the key rows that a tile has alone: the gradients of such a key and its value.
//
//   P[i] = exp(S[i] - L[i])      dS[i] = P[i] · (drop(dO_i · v) - Δ_i)      with Δ_i = dO_i · O_i
//   dv = Σ_i drop(P[i]) dO_i     dk = scale · Σ_i dS[i] q_i
//
// Buffers (group 0)
//   query, key, value, output_gradient, key_gradient, value_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan         tiles of key rows, their ranges of queries, positions, sentences, labels, tables (src/plan/plan-words.ts)
//   statistics   [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
// Grid        (tiles of one row, heads). A workgroup owns one row of one sequence in one head.
// Invocations 16 across x 16 down. Of a step's 64 columns an invocation multiplies every sixteenth from its own y on, but only the vectors
//             whose numbers are its own x modulo 16; the first 64 invocations add what the sixteen of a column have, and know the
//             rest of a score; then each takes its columns' same vectors into the row's sums.
//
// Why so: see attention_sparse_row_forward_wide.wgsl. What is loaded for the products serves the sums, too.

const OUTPUT_VECTORS = 1u; // that an invocation owns: ceil(headDim / 64), at most 2
const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  heads: u32,
  head_vectors: u32, // headDim / 4
  heads_at: u32,
  tiles_at: u32,
  counts_before: u32, // workgroups of earlier dispatches, whose counts stand first
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

const STEP = 64u; // columns a step
const DOWN = 16u;
const TURNS = STEP / DOWN; // columns of a step that an invocation takes
const CHUNK = 16u; // vectors of a row that invocations own side by side
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 0xffffffffu;
const KEPT_RANGES = 32u; // of a tile, in workgroup memory; it seldom has more
const TEST_PLACES = 2u;
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise
const ABSENT = 0.5 * MASKED; // scores below it are those of pairs that do not exist

// What a token is to the rules.
struct Token { label: u32, position: u32, sentence: u32 }
// A column: its token and head as one number, whether its slot does more than fill up, and what tests must know.
struct Column { token_head: u32, exists: bool, token: Token }
// The first of a tile's ranges, how many more there are, and which of them an invocation's last column was in; slots only ever
// ascend.
struct Walk { first: u32, last: u32, range: u32 }

var<private> multiplied: u32;
var<workgroup> scores: array<array<f32, 17>, 64>; // by column, of each x; 17, so that columns begin in different banks
var<workgroup> products: array<array<f32, 17>, 64>; // the same of output gradients
var<workgroup> weights: array<vec2f, 64>; // drop(P) and dS
var<workgroup> places: array<u32, 128>; // where the columns' vectors begin, in this step and in the next
var<workgroup> kept_ranges: array<u32, 96>; // the words of the tile's first ranges
var<workgroup> shared_sums: array<vec4f, 256>;

// Labels stand four in a word.
fn known(token: u32, shift: u32) -> Token {
  let at = token + shift;
  var known = Token((plan[parameters.labels_at + (at >> 2u)] >> (8u * (at & 3u))) & 255u, 0u, NO_SENTENCE);
  if (DROPOUT + PLACED > 0u) { known.position = plan[parameters.positions_at + token]; }
  if (PLACED > 0u) { known.sentence = plan[parameters.sentences_at + token]; }
  return known;
}
// An entry of a table [label_count, label_count].
fn entry(table: u32, query_token: Token, key_token: Token) -> f32 {
  return bitcast<f32>(plan[table + query_token.label * parameters.label_count + key_token.label]);
}
// Whether a pair is within reach (src/grammar/scope.ts): a window in pieces, and a half more where a common sentence suffices.
fn within(reach: f32, distance: f32, same_sentence: bool) -> bool {
  return distance <= reach || (fract(reach) == 0.5 && same_sentence);
}
// What is added to the score of a pair: an entry of `table`, that of the biases, within hard reach.
fn bias_of(tests: u32, table: u32, query_token: Token, key_token: Token) -> f32 {
  if (tests == 0u) { return 0.0; }
  let near = entry(table, query_token, key_token);
  if (PLACED == 0u || (tests & TEST_PLACES) == 0u) { return near; }
  if (key_token.position > query_token.position && parameters.causal != 0u) { return MASKED; }
  let hard = entry(parameters.reach_at, query_token, key_token);
  let soft = entry(parameters.reach_at + parameters.label_count * parameters.label_count, query_token, key_token);
  let same = query_token.sentence == key_token.sentence || query_token.sentence == NO_SENTENCE || key_token.sentence == NO_SENTENCE;
  let distance = abs(f32(query_token.position) - f32(key_token.position));
  if (within(hard, distance, same)) { return near; }
  return select(parameters.elsewhere, parameters.soft_bias, within(soft, distance, same));
}

// Counter-based random words: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. They depend on no tile and on no order.
fn chained(chain: u32, word: u32) -> u32 {
  var h = chain + (word + 1u) * 0x9e3779b9u;
  h = (h ^ (h >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  return h ^ (h >> 16u);
}
// 1 / (1 - probability) where the pair is kept, else 0.
fn kept(head: u32, query_token: Token, key_token: Token) -> f32 {
  let chain = chained(chained(chained(parameters.dropout_stream, head), query_token.position), key_token.position);
  return select(0.0, parameters.dropout_scale, chain >= parameters.dropout_limit);
}

// A word of the range that is `further` behind the walk's.
fn range_word(walk: Walk, further: u32, word: u32) -> u32 {
  let at = 3u * (walk.range + further) + word;
  if (at < 3u * KEPT_RANGES) { return kept_ranges[at]; }
  return plan[parameters.ranges_at + 3u * walk.first + at];
}
fn column_of(slot: u32, slot_count: u32, head: u32, label_shift: u32, walk: ptr<function, Walk>) -> Column {
  let near = min(slot, slot_count - 1u);
  while ((*walk).range < (*walk).last && range_word(*walk, 1u, 2u) <= near) { (*walk).range += 1u; }
  let passed = near - range_word(*walk, 0u, 2u);
  let count = range_word(*walk, 0u, 1u);
  let token = range_word(*walk, 0u, 0u) + min(passed, count - 1u);
  return Column(token * parameters.heads + head, passed < count && slot < slot_count, known(token, label_shift));
}

// The sum over the y of an x.
fn total_of(sum: vec4f, x: u32, own: u32) -> vec4f {
  workgroupBarrier();
  shared_sums[own] = sum;
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < DOWN; i++) { total += shared_sums[16u * i + x]; }
  return total;
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) own: u32,
) {
  let tile = parameters.tiles_at + 8u * group.x;
  let row = plan[tile];
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
  let x = min(local.x, vectors - 1u);
  let second_x = min(local.x + CHUNK, vectors - 1u);
  let y = local.y;
  let row_at = (row * heads + head) * vectors;
  let row_token = known(row, label_shift);
  // The row's vectors, and zeros behind its end.
  let row_key_0 = select(vec4f(), key[row_at + x], local.x < vectors);
  let row_key_1 = select(vec4f(), key[row_at + second_x], local.x + CHUNK < vectors);
  let row_value_0 = select(vec4f(), value[row_at + x], local.x < vectors);
  let row_value_1 = select(vec4f(), value[row_at + second_x], local.x + CHUNK < vectors);
  var key_0 = vec4f();
  var key_1 = vec4f();
  var value_0 = vec4f();
  var value_1 = vec4f();

  if (own < 3u * min(range_count, KEPT_RANGES)) { kept_ranges[own] = plan[parameters.ranges_at + 3u * first_range + own]; }
  workgroupBarrier();
  var column = Column();
  if (own < STEP) {
    column = column_of(own, slot_count, head, label_shift, &walk);
    places[own] = column.token_head * vectors;
  }
  workgroupBarrier();
  for (var step = 0u; step < slot_count; step += STEP) {
    let half = step & STEP;
    let count = min(STEP, slot_count - step);
    var queries_0 = array<vec4f, TURNS>();
    var queries_1 = array<vec4f, TURNS>();
    var gradients_0 = array<vec4f, TURNS>();
    var gradients_1 = array<vec4f, TURNS>();
    for (var i = 0u; i < TURNS; i++) {
      let place = places[half + y + DOWN * i];
      queries_0[i] = query[place + x];
      gradients_0[i] = output_gradient[place + x];
      var score = dot(row_key_0, queries_0[i]);
      var product = dot(row_value_0, gradients_0[i]);
      if (OUTPUT_VECTORS > 1u) {
        queries_1[i] = query[place + second_x];
        gradients_1[i] = output_gradient[place + second_x];
        score += dot(row_key_1, queries_1[i]);
        product += dot(row_value_1, gradients_1[i]);
      }
      scores[y + DOWN * i][local.x] = score;
      products[y + DOWN * i][local.x] = product;
      if (COUNTING > 0u && y + DOWN * i < count) { multiplied += u32(local.x < vectors) + u32(local.x + CHUNK < vectors); }
    }
    workgroupBarrier();

    if (own < STEP) {
      var both = vec2f();
      if (column.exists) {
        var score = 0.0;
        var product = 0.0;
        for (var i = 0u; i < CHUNK; i++) {
          score += scores[own][i];
          product += products[own][i];
        }
        score = score * parameters.scale + bias_of(tests, table, column.token, row_token);
        let column_statistics = statistics[column.token_head];
        var keep = 1.0;
        if (DROPOUT > 0u) { keep = kept(head, column.token, row_token); }
        // Exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
        let w = select(0.0, exp(score - column_statistics.x), score > ABSENT);
        both = w * vec2f(keep, keep * product - column_statistics.y);
      }
      weights[own] = both;
      if (step + STEP < slot_count) {
        column = column_of(step + STEP + own, slot_count, head, label_shift, &walk);
        places[STEP - half + own] = column.token_head * vectors;
      }
    }
    workgroupBarrier();

    for (var i = 0u; i < TURNS; i++) {
      let w = weights[y + DOWN * i];
      value_0 += w.x * gradients_0[i];
      key_0 += w.y * queries_0[i];
      if (OUTPUT_VECTORS > 1u) {
        value_1 += w.x * gradients_1[i];
        key_1 += w.y * queries_1[i];
      }
    }
  }

  if (COUNTING > 0u) {
    shared_sums[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 256u; i++) { all += shared_sums[i]; }
    if (own == 0u) { key_gradient[parameters.counts_before + group.y * groups.x + group.x] = all / 4.0; }
    return;
  }
  key_0 = total_of(key_0, local.x, own) * parameters.scale;
  value_0 = total_of(value_0, local.x, own);
  if (y == 0u && local.x < vectors) {
    key_gradient[row_at + local.x] = key_0;
    value_gradient[row_at + local.x] = value_0;
  }
  if (OUTPUT_VECTORS > 1u) {
    key_1 = total_of(key_1, local.x, own) * parameters.scale;
    value_1 = total_of(value_1, local.x, own);
    if (y == 0u && local.x + CHUNK < vectors) {
      key_gradient[row_at + local.x + CHUNK] = key_1;
      value_gradient[row_at + local.x + CHUNK] = value_1;
    }
  }
}
