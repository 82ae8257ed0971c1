// Block-sparse attention, forward, for the rows that a tile has alone: [CLS], say, which sees every token.
//
//   S[j] = scale · q · k_j + B[label, label j] for pairs that exist
//   L    = log Σ_j exp S[j]             o = Σ_j drop(exp(S[j] - L)) · v_j
//
// Buffers (group 0)
//   query, key, value, output   [tokens, heads, headDim] f32, read as vec4f
//   plan                        tiles, ranges, positions, sentences, labels, tables (src/plan/plan-words.ts)
//   log_sum_exp                 [tokens, heads] f32, natural logarithm
// Grid        (tiles of one row, heads). A workgroup owns one row of one sequence in one head.
// Invocations 16 across x 16 down. Of a step's 128 columns an invocation multiplies every sixteenth from its own y on, but only the vectors
//             whose numbers are its own x modulo 16; the first 128 invocations add what the sixteen of a column have, and know the
//             rest of a score; then each takes its columns' same vectors into the row's sums.
//
// Why so: in a tile of rows such a row takes one step after the other over all columns, at a thirty-second of the work that a step
// can do, and a GPU that has long finished everything else waits for it. Here its columns are spread over the invocations. What such
// a kernel waits for is loads, so that all of a step are under way together, neighbours reading neighbouring vectors: of keys and
// of values, though these are needed later; and of what tests must know of a column, a step before. Each sixteenth of the columns has a
// running maximum of its own (Milakov & Gimelshein 2018, arXiv 1805.02867).

const OUTPUT_VECTORS = 1u; // that an invocation owns: ceil(headDim / 64), at most 2
const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose output is, for each workgroup, how many multiply-adds its scores took, / 16

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
@group(0) @binding(3) var<storage, read> plan: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> log_sum_exp: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 128u; // columns a step
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
var<workgroup> products: array<array<f32, 17>, 128>; // by column, of each x; 17, so that columns begin in different banks
var<workgroup> scores: array<f32, 128>;
var<workgroup> factors: array<f32, 128>; // of dropout
var<workgroup> places: array<u32, 256>; // where the columns' vectors begin, in this step and in the next
var<workgroup> kept_ranges: array<u32, 96>; // the words of the tile's first ranges
var<workgroup> shared_sums: array<vec4f, 256>;
var<workgroup> maxima: array<f32, 16>;
var<workgroup> sums: array<f32, 16>;

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

// The sum over the y of an x, in the invocation of y 0, where each has a sum and a factor.
fn total_of(sum: vec4f, x: u32, own: u32, largest: f32) -> vec4f {
  workgroupBarrier();
  shared_sums[own] = sum;
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < DOWN; i++) { total += shared_sums[16u * i + x] * exp(maxima[i] - largest); }
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
  let row_0 = select(vec4f(), query[row_at + x], local.x < vectors);
  let row_1 = select(vec4f(), query[row_at + second_x], local.x + CHUNK < vectors);
  var maximum = MASKED;
  var sum = 0.0;
  var output_0 = vec4f();
  var output_1 = vec4f();

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
    var values_0 = array<vec4f, TURNS>();
    var values_1 = array<vec4f, TURNS>();
    for (var i = 0u; i < TURNS; i++) {
      let place = places[half + y + DOWN * i];
      values_0[i] = value[place + x];
      var product = dot(row_0, key[place + x]);
      if (OUTPUT_VECTORS > 1u) {
        values_1[i] = value[place + second_x];
        product += dot(row_1, key[place + second_x]);
      }
      products[y + DOWN * i][local.x] = product;
      if (COUNTING > 0u && y + DOWN * i < count) { multiplied += u32(local.x < vectors) + u32(local.x + CHUNK < vectors); }
    }
    workgroupBarrier();

    if (own < STEP) {
      var score = MASKED;
      var factor = 1.0;
      if (column.exists) {
        var product = 0.0;
        for (var i = 0u; i < CHUNK; i++) { product += products[own][i]; }
        score = product * parameters.scale + bias_of(tests, table, row_token, column.token);
        if (DROPOUT > 0u) { factor = kept(head, row_token, column.token); }
      }
      scores[own] = score;
      factors[own] = factor;
      if (step + STEP < slot_count) {
        column = column_of(step + STEP + own, slot_count, head, label_shift, &walk);
        places[STEP - half + own] = column.token_head * vectors;
      }
    }
    workgroupBarrier();

    var peak = maximum;
    for (var i = 0u; i < TURNS; i++) { peak = max(peak, scores[y + DOWN * i]); }
    let by = exp(maximum - peak);
    maximum = peak;
    sum *= by;
    output_0 *= by;
    output_1 *= by;
    for (var i = 0u; i < TURNS; i++) {
      let score = scores[y + DOWN * i];
      // Exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
      let w = select(0.0, exp(score - maximum), score > ABSENT);
      let dropped = w * factors[y + DOWN * i];
      sum += w;
      output_0 += dropped * values_0[i];
      if (OUTPUT_VECTORS > 1u) { output_1 += dropped * values_1[i]; }
    }
  }

  if (COUNTING > 0u) {
    shared_sums[own] = vec4f(f32(multiplied));
    workgroupBarrier();
    var all = vec4f();
    for (var i = 0u; i < 256u; i++) { all += shared_sums[i]; }
    if (own == 0u) { output[parameters.counts_before + group.y * groups.x + group.x] = all / 4.0; }
    return;
  }
  if (local.x == 0u) {
    maxima[y] = maximum;
    sums[y] = sum;
  }
  workgroupBarrier();
  var largest = MASKED;
  for (var i = 0u; i < DOWN; i++) { largest = max(largest, maxima[i]); }
  var total = 0.0;
  for (var i = 0u; i < DOWN; i++) { total += sums[i] * exp(maxima[i] - largest); }
  // The largest weight of a row is 1, so that no sum is below, but for those of rows that see no key.
  let divisor = max(total, 0.5);
  if (own == 0u) { log_sum_exp[row * heads + head] = select(MASKED, largest + log(divisor), total > 0.0); }
  output_0 = total_of(output_0, local.x, own, largest) / divisor;
  if (y == 0u && local.x < vectors) { output[row_at + local.x] = output_0; }
  if (OUTPUT_VECTORS > 1u) {
    output_1 = total_of(output_1, local.x, own, largest) / divisor;
    if (y == 0u && local.x + CHUNK < vectors) { output[row_at + local.x + CHUNK] = output_1; }
  }
}
