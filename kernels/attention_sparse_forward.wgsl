// Block-sparse attention, forward: a query sees the keys that the rules allow for their labels and places, with a bias.
//
//   S[i,j] = scale · q_i · k_j + B[label i, label j] for pairs that exist
//   L[i]   = log Σ_j exp S[i,j]             o_i = Σ_j drop(exp(S[i,j] - L[i])) · v_j
//   A row without any key gets o = 0 and L = MASKED.
//
// The tokens of a sequence stand sorted by label, so the keys that a tile of rows may see are a few ranges. The ranges are
// walked one behind another as "slots", each padded to four: a quad of keys is of one range. Hard rules, soft rules (every pair
// exists, some with a bias), guided and learned ones differ only in plan and tables. Where rules have scopes, or the order is
// causal, a pair's bias also depends on where its tokens stand in the text (src/grammar/scope.ts).
// Online softmax: Milakov & Gimelshein 2018, arXiv 1805.02867; as tiles: Dao et al. 2022, arXiv 2205.14135.
//
// Buffers (group 0)
//   query, key, value, output   [tokens, heads, headDim] f32, read as vec4f
//   plan                        tiles of up to 32 rows, ranges, positions, sentences, labels, tables (src/plan/plan-words.ts)
//   log_sum_exp                 [tokens, heads] f32, natural logarithm
// Grid        (tiles, heads). A workgroup owns up to 32 query rows of one sequence in one head.
// Invocations 8 across x 4 down. In the products, an invocation owns a strip of 8 rows: their scores against a quad of the
//             step's 32 keys, and of their outputs every vector whose number is its own x modulo 8. In the softmax it owns a row.
//
// Why so: see attention_dense_forward.wgsl. Of its own, this kernel has what the tests need: of the row, in its owner's
// registers; of the keys, looked up once a step and shared. Tables are looked at only in tiles that are marked: where all pairs
// of a tile exist without a bias, no test runs.

const OUTPUT_VECTORS = 2u; // that an invocation owns of each row of its strip, at most 4: ceil(headDim / 32)
const PLACED = 0u; // 1 where the plan has scopes or is causal
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose output is, for each workgroup, how many multiply-adds its scores took, / 16

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
@group(0) @binding(3) var<storage, read> plan: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> log_sum_exp: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const STEP = 32u; // keys a step
const PITCH = 9u; // quads from one row of scores to the next: one more than there are, so that rows begin in different banks
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 0xffffffffu;
const TEST_PLACES = 2u;
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise
const ABSENT = 0.5 * MASKED; // scores below it are those of pairs that do not exist

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it. One number, or index, for each row.
struct Strip { upper: mat4x4f, lower: mat4x4f }
struct Rows { upper: vec4f, lower: vec4f }
struct Indices { upper: vec4u, lower: vec4u }

// What a row must know of four keys: where their vectors begin, labels, places, and how many of them there are (any number
// from 4 on means all). And what the row's owner knows of the row.
struct Quad { at: vec4u, labels: vec4u, positions: vec4u, sentences: vec4u, count: u32 }
struct Row { label: u32, position: u32, sentence: u32 }

var<workgroup> scores: array<vec4f, 288>; // [row of the tile, PITCH]: scores, then probabilities
var<workgroup> step_quads: array<Quad, 8>;
var<workgroup> row_factors: array<f32, 32>; // what outputs are multiplied by

fn query_block(at: vec4u) -> mat4x4f { return mat4x4f(query[at.x], query[at.y], query[at.z], query[at.w]); }
fn key_block(at: vec4u) -> mat4x4f { return mat4x4f(key[at.x], key[at.y], key[at.z], key[at.w]); }
fn value_block(at: vec4u) -> mat4x4f { return mat4x4f(value[at.x], value[at.y], value[at.z], value[at.w]); }
fn score_block(at: u32) -> mat4x4f {
  return mat4x4f(scores[at], scores[at + PITCH], scores[at + 2u * PITCH], scores[at + 3u * PITCH]);
}
fn score_strip(at: u32) -> Strip { return Strip(score_block(at), score_block(at + 4u * PITCH)); }
fn keep_scores(at: u32, s: Strip) {
  for (var r = 0u; r < 4u; r++) {
    scores[at + r * PITCH] = s.upper[r];
    scores[at + (r + 4u) * PITCH] = s.lower[r];
  }
}

// sum + block · v, four products first: a quarter of the roundings are of the sum's size. Written out, because compilers need
// fewer registers for it than for the product of two matrices.
fn added(sum: vec4f, block: mat4x4f, v: vec4f) -> vec4f {
  var products = block[0] * v.x;
  products += block[1] * v.y;
  products += block[2] * v.z;
  products += block[3] * v.w;
  return sum + products;
}
fn added_columns(sum: mat4x4f, block: mat4x4f, m: mat4x4f) -> mat4x4f {
  return mat4x4f(added(sum[0], block, m[0]), added(sum[1], block, m[1]), added(sum[2], block, m[2]), added(sum[3], block, m[3]));
}
// sum + block · strip
fn accumulated(sum: Strip, block: mat4x4f, strip: Strip) -> Strip {
  return Strip(added_columns(sum.upper, block, strip.upper), added_columns(sum.lower, block, strip.lower));
}
fn scaled_columns(m: mat4x4f, s: vec4f) -> mat4x4f { return mat4x4f(m[0] * s.x, m[1] * s.y, m[2] * s.z, m[3] * s.w); }
fn scaled(s: Strip, by: Rows) -> Strip { return Strip(scaled_columns(s.upper, by.upper), scaled_columns(s.lower, by.lower)); }
fn factors(row: u32) -> Rows {
  return Rows(
    vec4f(row_factors[row], row_factors[row + 1u], row_factors[row + 2u], row_factors[row + 3u]),
    vec4f(row_factors[row + 4u], row_factors[row + 5u], row_factors[row + 6u], row_factors[row + 7u]),
  );
}

fn largest(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
// exp(m - shift), and exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
fn weight(m: vec4f, shift: f32) -> vec4f { return select(vec4f(), exp(m - shift), m > vec4f(ABSENT)); }

fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }

// Labels stand four in a word.
fn labels_of(tokens: vec4u, shift: u32) -> vec4u {
  let words = words_of(parameters.labels_at + ((tokens + shift) >> vec4u(2u)));
  return (words >> (8u * ((tokens + shift) & vec4u(3u)))) & vec4u(255u);
}
// Four entries of a row's label in a table [label_count, label_count].
fn entries(table: u32, row: Row, labels: vec4u) -> vec4f {
  return bitcast<vec4f>(words_of(table + row.label * parameters.label_count + labels));
}
// Whether pairs are within reach (src/grammar/scope.ts): a window in pieces, and a half more where a common sentence suffices.
fn within(reach: vec4f, distance: vec4f, same_sentence: vec4<bool>) -> vec4<bool> {
  return (distance <= reach) | ((fract(reach) == vec4f(0.5)) & same_sentence);
}
// What is added to the scores of a row against four keys: `near` within hard reach.
fn placed(near: vec4f, row: Row, quad: Quad) -> vec4f {
  let hard = entries(parameters.reach_at, row, quad.labels);
  let soft = entries(parameters.reach_at + parameters.label_count * parameters.label_count, row, quad.labels);
  let own = vec4u(row.sentence);
  let none = vec4u(NO_SENTENCE);
  let same = (quad.sentences == own) | (quad.sentences == none) | (own == none);
  let distance = abs(vec4f(quad.positions) - f32(row.position));
  let elsewhere = select(vec4f(parameters.elsewhere), vec4f(parameters.soft_bias), within(soft, distance, same));
  let bias = select(elsewhere, near, within(hard, distance, same));
  return select(bias, vec4f(MASKED), (quad.positions > vec4u(row.position)) & vec4<bool>(parameters.causal != 0u));
}
// What is added to the scores of a row against four keys. `table` is that of the biases.
fn bias_of(tests: u32, table: u32, row: Row, quad: Quad) -> vec4f {
  let absent = select(vec4f(MASKED), vec4f(), OFFSETS < vec4u(quad.count));
  if (tests == 0u) { return absent; }
  let near = entries(table, row, quad.labels);
  if (PLACED == 0u || (tests & TEST_PLACES) == 0u) { return absent + near; }
  return absent + placed(near, row, quad);
}

// Counter-based random words: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. They depend on no tile and on no order.
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  var h = chain + (words + 1u) * 0x9e3779b9u;
  h = (h ^ (h >> vec4u(16u))) * 0x7feb352du;
  h = (h ^ (h >> vec4u(15u))) * 0x846ca68bu;
  return h ^ (h >> vec4u(16u));
}
// 1 / (1 - probability) where the pair is kept, else 0: for one query against four keys.
fn kept(chain: vec4u, keys: vec4u) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(chain, keys) >= vec4u(parameters.dropout_limit));
}

fn store_columns(at: vec4u, m: mat4x4f, present: vec4<bool>) {
  if (present.x) { output[at.x] = m[0]; }
  if (present.y) { output[at.y] = m[1]; }
  if (present.z) { output[at.z] = m[2]; }
  if (present.w) { output[at.w] = m[3]; }
}

@compute @workgroup_size(8, 4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) own: u32,
) {
  let tile = parameters.tiles_at + 8u * group.x;
  let row_start = plan[tile];
  let row_count = plan[tile + 1u];
  var range = plan[tile + 2u]; // that the invocation's last quad was in; slots only ever ascend
  let last_range = range + plan[tile + 3u] - 1u;
  let slot_count = plan[tile + 4u];
  let tests = plan[tile + 5u];
  let label_shift = plan[tile + 6u];
  var head = group.y;
  if (parameters.heads_at != ALL_HEADS) { head = plan[parameters.heads_at + group.y]; }
  let table = parameters.table_at + head * parameters.table_stride;
  let heads = parameters.heads;
  let vectors = parameters.head_vectors;

  // Rows behind the end of the tile repeat its last row, and are not stored. A strip without rows does no products.
  let last = row_count - 1u;
  let rows = Indices(8u * local.y + OFFSETS, 8u * local.y + 4u + OFFSETS);
  let tokens = Indices(row_start + min(rows.upper, vec4u(last)), row_start + min(rows.lower, vec4u(last)));
  let row_at = Indices((tokens.upper * heads + head) * vectors, (tokens.lower * heads + head) * vectors);
  let products = select(0u, vectors, 8u * local.y < row_count);
  let strip = 8u * PITCH * local.y;
  let channels = 8u * OFFSETS + local.x;
  let safe_channels = min(channels, vec4u(vectors - 1u));

  let own_token = row_start + min(own, last);
  var row = Row();
  if (tests != 0u) { row.label = labels_of(vec4u(own_token), label_shift).x; }
  if (PLACED > 0u) { row.sentence = plan[parameters.sentences_at + own_token]; }
  if (DROPOUT + PLACED > 0u) { row.position = plan[parameters.positions_at + own_token]; }
  let chain = chained(chained(vec4u(parameters.dropout_stream), vec4u(head)), vec4u(row.position));
  var maximum = MASKED;
  var sum = 0.0;
  var output_0 = Strip();
  var output_1 = Strip();
  var output_2 = Strip();
  var output_3 = Strip();
  var multiplied = 0u;

  for (var step = 0u; step < slot_count; step += STEP) {
    let quads = min(STEP, slot_count - step) / 4u;
    let slot = min(step + 4u * local.x, slot_count - 4u);
    while (range < last_range && plan[parameters.ranges_at + 3u * range + 5u] <= slot) { range += 1u; }
    let range_at = parameters.ranges_at + 3u * range;
    let passed = slot - plan[range_at + 2u];
    let count = plan[range_at + 1u] - passed;
    let keys = plan[range_at] + passed + min(OFFSETS, vec4u(count - 1u));
    let key_at = (keys * heads + head) * vectors;
    var strip_scores = Strip();
    for (var d = 0u; d < products; d++) {
      let key_columns = transpose(key_block(key_at + d));
      strip_scores.upper = added_columns(strip_scores.upper, key_columns, query_block(row_at.upper + d));
      strip_scores.lower = added_columns(strip_scores.lower, key_columns, query_block(row_at.lower + d));
      if (COUNTING > 0u) { multiplied += 8u; }
    }
    keep_scores(strip + local.x, strip_scores);
    if (local.y == 0u) {
      var quad = Quad(key_at, vec4u(), vec4u(), vec4u(), count);
      if (tests != 0u) { quad.labels = labels_of(keys, label_shift); }
      if (PLACED > 0u) { quad.sentences = words_of(parameters.sentences_at + keys); }
      if (DROPOUT + PLACED > 0u) { quad.positions = words_of(parameters.positions_at + keys); }
      step_quads[local.x] = quad;
    }
    workgroupBarrier();

    var peak = vec4f(maximum);
    for (var quad = 0u; quad < quads; quad++) {
      let s = scores[PITCH * own + quad] * parameters.scale + bias_of(tests, table, row, step_quads[quad]);
      scores[PITCH * own + quad] = s;
      peak = max(peak, s);
    }
    let rescale = exp(maximum - largest(peak));
    maximum = largest(peak);
    row_factors[own] = rescale;
    var step_sums = vec4f();
    for (var quad = 0u; quad < quads; quad++) {
      var p = weight(scores[PITCH * own + quad], maximum);
      step_sums += p;
      if (DROPOUT > 0u) { p *= kept(chain, step_quads[quad].positions); }
      scores[PITCH * own + quad] = p;
    }
    sum = sum * rescale + ((step_sums.x + step_sums.y) + (step_sums.z + step_sums.w));
    workgroupBarrier();

    let by = factors(8u * local.y);
    output_0 = scaled(output_0, by);
    if (OUTPUT_VECTORS > 1u) { output_1 = scaled(output_1, by); }
    if (OUTPUT_VECTORS > 2u) { output_2 = scaled(output_2, by); }
    if (OUTPUT_VECTORS > 3u) { output_3 = scaled(output_3, by); }
    let value_quads = select(0u, quads, products > 0u);
    for (var quad = 0u; quad < value_quads; quad++) {
      let value_at = step_quads[quad].at;
      let w = score_strip(strip + quad);
      output_0 = accumulated(output_0, value_block(value_at + safe_channels.x), w);
      if (OUTPUT_VECTORS > 1u) { output_1 = accumulated(output_1, value_block(value_at + safe_channels.y), w); }
      if (OUTPUT_VECTORS > 2u) { output_2 = accumulated(output_2, value_block(value_at + safe_channels.z), w); }
      if (OUTPUT_VECTORS > 3u) { output_3 = accumulated(output_3, value_block(value_at + safe_channels.w), w); }
    }
    workgroupBarrier();
  }

  if (COUNTING > 0u) {
    row_factors[own] = f32(multiplied);
    workgroupBarrier();
    var all = 0.0;
    for (var i = 0u; i < 32u; i++) { all += row_factors[i]; }
    if (own == 0u) { output[parameters.counts_before + group.y * groups.x + group.x] = vec4f(all); }
    return;
  }
  // The largest weight of a row is 1, so that no sum is below, but for those of rows that see no key.
  let divisor = max(sum, 0.5);
  row_factors[own] = 1.0 / divisor;
  if (own < row_count) { log_sum_exp[own_token * heads + head] = select(MASKED, maximum + log(divisor), sum > 0.0); }
  workgroupBarrier();
  let by = factors(8u * local.y);
  let outputs = array<Strip, 4>(output_0, output_1, output_2, output_3);
  for (var chunk = 0u; chunk < OUTPUT_VECTORS; chunk++) {
    if (channels[chunk] < vectors) {
      let result = scaled(outputs[chunk], by);
      store_columns(row_at.upper + channels[chunk], result.upper, rows.upper < vec4u(row_count));
      store_columns(row_at.lower + channels[chunk], result.lower, rows.lower < vec4u(row_count));
    }
  }
}
