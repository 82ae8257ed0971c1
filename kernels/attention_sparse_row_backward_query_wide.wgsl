// Block-sparse attention, backward, for the query rows that a tile has alone: their gradients, and what the bias table's needs.
//
//   P[j] = exp(S[j] - L)      dS[j] = P[j] · (drop(dO · v_j) - Δ)      dq = scale · Σ_j dS[j] k_j      with Δ = dO · O
//
// Buffers (group 0)
//   query, key, value, output_gradient, query_gradient   [tokens, heads, headDim] f32, read as vec4f
//   plan              tiles, ranges, positions, sentences, labels, tables (src/plan/plan-words.ts)
//   statistics        [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
//   label_gradients   [tokens, heads, labels] f32: of each row, Σ dS over the keys of each label
// Grid        (tiles of one row, heads). A workgroup owns one row of one sequence in one head.
// Invocations 16 across x 16 down. Of a step's 64 columns an invocation multiplies every sixteenth from its own y on, but only the vectors
//             whose numbers are its own x modulo 16; the first 64 invocations add what the sixteen of a column have, and know the
//             rest of a score; then each takes its columns' same vectors into the row's sums.
//
// Why so: see attention_sparse_row_forward_wide.wgsl. What is loaded for the products serves the sums, too.

const OUTPUT_VECTORS = 1u; // that an invocation owns: ceil(headDim / 64), at most 2
const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const BIAS_GRADIENT = 0u; // 1 where label_gradients are wanted
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
@group(0) @binding(6) var<storage, read_write> query_gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> label_gradients: array<f32>;
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
var<workgroup> products: array<array<f32, 17>, 64>; // the same of values
var<workgroup> gradients: array<f32, 64>; // of the scores
var<workgroup> labels: array<u32, 64>;
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
  let own_statistics = statistics[row * heads + head];
  // The row's vectors, and zeros behind its end.
  let row_0 = select(vec4f(), query[row_at + x], local.x < vectors);
  let row_1 = select(vec4f(), query[row_at + second_x], local.x + CHUNK < vectors);
  let row_gradient_0 = select(vec4f(), output_gradient[row_at + x], local.x < vectors);
  let row_gradient_1 = select(vec4f(), output_gradient[row_at + second_x], local.x + CHUNK < vectors);
  var gradient_0 = vec4f();
  var gradient_1 = vec4f();
  var label_sum = 0.0;

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
    var keys_0 = array<vec4f, TURNS>();
    var keys_1 = array<vec4f, TURNS>();
    for (var i = 0u; i < TURNS; i++) {
      let place = places[half + y + DOWN * i];
      keys_0[i] = key[place + x];
      var score = dot(row_0, keys_0[i]);
      var product = dot(row_gradient_0, value[place + x]);
      if (OUTPUT_VECTORS > 1u) {
        keys_1[i] = key[place + second_x];
        score += dot(row_1, keys_1[i]);
        product += dot(row_gradient_1, value[place + second_x]);
      }
      scores[y + DOWN * i][local.x] = score;
      products[y + DOWN * i][local.x] = product;
      if (COUNTING > 0u && y + DOWN * i < count) { multiplied += u32(local.x < vectors) + u32(local.x + CHUNK < vectors); }
    }
    workgroupBarrier();

    if (own < STEP) {
      var gradient = 0.0;
      if (column.exists) {
        var score = 0.0;
        var product = 0.0;
        for (var i = 0u; i < CHUNK; i++) {
          score += scores[own][i];
          product += products[own][i];
        }
        score = score * parameters.scale + bias_of(tests, table, row_token, column.token);
        if (DROPOUT > 0u) { product *= kept(head, row_token, column.token); }
        // Exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
        gradient = select(0.0, exp(score - own_statistics.x), score > ABSENT) * (product - own_statistics.y);
      }
      gradients[own] = gradient;
      if (BIAS_GRADIENT > 0u) { labels[own] = column.token.label; }
      if (step + STEP < slot_count) {
        column = column_of(step + STEP + own, slot_count, head, label_shift, &walk);
        places[STEP - half + own] = column.token_head * vectors;
      }
    }
    workgroupBarrier();

    for (var i = 0u; i < TURNS; i++) {
      let g = gradients[y + DOWN * i];
      gradient_0 += g * keys_0[i];
      if (OUTPUT_VECTORS > 1u) { gradient_1 += g * keys_1[i]; }
    }
    for (var i = 0u; BIAS_GRADIENT > 0u && i < STEP; i++) { label_sum += select(0.0, gradients[i], labels[i] == own); }
  }

  if (COUNTING > 0u) {
    shared_sums[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 256u; i++) { all += shared_sums[i]; }
    if (own == 0u) { query_gradient[parameters.counts_before + group.y * groups.x + group.x] = all / 4.0; }
    return;
  }
  if (BIAS_GRADIENT > 0u && own < parameters.label_count) {
    label_gradients[(row * heads + head) * parameters.label_count + own] = label_sum;
  }
  gradient_0 = total_of(gradient_0, local.x, own) * parameters.scale;
  if (y == 0u && local.x < vectors) { query_gradient[row_at + local.x] = gradient_0; }
  if (OUTPUT_VECTORS > 1u) {
    gradient_1 = total_of(gradient_1, local.x, own) * parameters.scale;
    if (y == 0u && local.x + CHUNK < vectors) { query_gradient[row_at + local.x + CHUNK] = gradient_1; }
  }
}
