enable subgroups;
diagnostic(off, subgroup_uniformity); // what steers a subgroup is the same in all of its lanes, which the language cannot see

// Block-sparse attention, backward: the gradients of keys and values, by one subgroup a strip of eight rows.
// Formula: attention_sparse_backward_key_value.wgsl.
//
// Buffers (group 0)
//   query, key, value, output_gradient   textures: for each head a panel of [tokens, panel_vectors] vectors (src/gpu/panels.ts)
//   plan              tiles of up to 8 rows, ranges, positions, sentences, labels, tables (src/plan/plan-words.ts)
//   statistics        [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
//   key_gradient, value_gradient   [tokens, heads, headDim] f32, as vec4f
// Grid        (tiles of keys, heads, ceil(headDim / (16 · LANES))). A workgroup owns up to 8 key rows of one sequence in one
//             head, and runs over the queries that see them.
// Invocations one subgroup. A lane owns the rows' scores against 4 queries of a step, and of their gradients every vector whose
//             number is its own modulo LANES.
//
// Why so: see attention_dense_forward_subgroup.wgsl. Of its own, this kernel has the ranges of a tile, one a lane, found by
// shuffles, and the tables of its rows' labels, one entry a lane, so that a step loads little but queries and gradients.

const LANES = 8u; // of a subgroup, which is the whole workgroup: 4 or 8
const ABREAST = 1u; // rows of a panel that stand side by side in its texture: a power of two
const OUTPUT_VECTORS = 2u; // that a lane owns of each row of both gradients, at most 4
const LABEL_VECTORS = 3u; // that hold a row of a table, a label a lane: ceil(labels / LANES)
const LABEL_WORDS = 1u; // that hold a bit for each label: 1 or 2; 0 where bits do not suffice, and tables are read
const BIASED = 0u; // 1 where some of the bits are for biased pairs
const PLACED = 0u; // 1 where the plan is causal; 2 where rules have scopes, and the tables are those of hard and soft reaches
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  panel_rows: u32, heads: u32, label_count: u32, heads_first: u32, // 1 where the grid counts heads before tiles
  counts_before: u32, head_vectors: u32, panel_vectors: u32, panels_per_column: u32, // headDim / 4; padded to a multiple of 4
  heads_at: u32, tiles_at: u32, ranges_at: u32, positions_at: u32, sentences_at: u32, labels_at: u32, // in the plan
  bits_at: u32, table_at: u32, table_stride: u32, // from one head's table to the next; 0 where all heads share one
  scale: f32, soft_bias: f32, elsewhere: f32, causal: u32,
  dropout_limit: u32, dropout_scale: f32, dropout_stream: u32, // the probability of dropping, times 2^32; 1 / (1 - probability)
}

@group(0) @binding(0) var query: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var key: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var value: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var output_gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read> plan: array<u32>;
@group(0) @binding(5) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> key_gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> value_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

alias Panels = texture_storage_2d<rgba32float, read>;
const LOWER = select(0u, 4u, LANES >= 8u); // a lane's second row among the lanes: four load two rows each, eight load one
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 4294967295.0;
const TEST_PLACES = 2u;
const ONE_TAG = 4u; // in what is tested: the rows have one label, and one row's biases are those of all
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// A strip's eight rows: a matrix column for each row, four of its queries or channels in it. And one number for each row.
struct Strip { upper: mat4x4f, lower: mat4x4f }
struct Rows { upper: vec4f, lower: vec4f }
fn vector(panels: Panels, at: vec2u, row: u32, d: u32) -> vec4f {
  return textureLoad(panels, at + vec2u(row % ABREAST * parameters.panel_vectors + d, row / ABREAST));
}
fn block(panels: Panels, at: vec2u, rows: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(vector(panels, at, rows.x, d), vector(panels, at, rows.y, d), vector(panels, at, rows.z, d), vector(panels, at, rows.w, d));
}
fn from_lanes(v: vec4f, lanes: vec4u) -> mat4x4f {
  return mat4x4f(subgroupShuffle(v, lanes.x), subgroupShuffle(v, lanes.y), subgroupShuffle(v, lanes.z), subgroupShuffle(v, lanes.w));
}
// A lane's own row's vector; where there are four lanes, two rows' vectors. And the vectors of all eight.
struct Own { first: vec4f, second: vec4f }
fn own(panels: Panels, at: vec2u, rows: vec2u, d: u32) -> Own {
  let first = vector(panels, at, rows.x, d);
  if (LANES >= 8u) { return Own(first, first); }
  return Own(first, vector(panels, at, rows.y, d));
}
fn all_rows(own: Own) -> Strip { return Strip(from_lanes(own.first, OFFSETS), from_lanes(own.second, OFFSETS + LOWER)); }
struct Words { upper: vec4u, lower: vec4u } // a number of each row
fn shuffled(word: u32, lanes: vec4u) -> vec4u {
  return vec4u(subgroupShuffle(word, lanes.x), subgroupShuffle(word, lanes.y), subgroupShuffle(word, lanes.z), subgroupShuffle(word, lanes.w));
}
fn words_of_lanes(first: u32, second: u32) -> Words { return Words(shuffled(first, OFFSETS), shuffled(second, OFFSETS + LOWER)); }
fn rows_of(words: Words) -> Rows { return Rows(vec4f(words.upper), vec4f(words.lower)); }
fn matrix_of_lane(m: mat4x4f, lane: u32) -> mat4x4f {
  return mat4x4f(subgroupShuffle(m[0], lane), subgroupShuffle(m[1], lane), subgroupShuffle(m[2], lane), subgroupShuffle(m[3], lane));
}
fn strip_of_lane(s: Strip, lane: u32) -> Strip { return Strip(matrix_of_lane(s.upper, lane), matrix_of_lane(s.lower, lane)); }

// sum + block · v, four products first: a quarter of the roundings are of the sum's size. Written out, because compilers need
// fewer registers for it than for the product of two matrices.
fn added(sum: vec4f, block: mat4x4f, v: vec4f) -> vec4f {
  return sum + (((block[0] * v.x + block[1] * v.y) + block[2] * v.z) + block[3] * v.w);
}
fn added_columns(sum: mat4x4f, block: mat4x4f, m: mat4x4f) -> mat4x4f {
  return mat4x4f(added(sum[0], block, m[0]), added(sum[1], block, m[1]), added(sum[2], block, m[2]), added(sum[3], block, m[3]));
}
fn accumulated(sum: Strip, block: mat4x4f, strip: Strip) -> Strip {
  return Strip(added_columns(sum.upper, block, strip.upper), added_columns(sum.lower, block, strip.lower));
}
// Where lanes share four columns, each has some of the eight rows to itself, two or four. The vector of one of them, and all.
fn row_of_lanes(own: Own, row: u32) -> vec4f {
  let v = subgroupShuffle(own.first, row % LANES);
  if (LANES >= 8u) { return v; }
  return select(v, subgroupShuffle(own.second, row % LANES), vec4<bool>(row >= LANES));
}
fn shared_rows(sum: mat4x4f, block: mat4x4f, own: Own, row: u32, row_count: u32) -> mat4x4f {
  var result = sum;
  result[0] = added(sum[0], block, row_of_lanes(own, row));
  result[1] = added(sum[1], block, row_of_lanes(own, row + 1u));
  if (row_count > 2u) {
    result[2] = added(sum[2], block, row_of_lanes(own, row + 2u));
    result[3] = added(sum[3], block, row_of_lanes(own, row + 3u));
  }
  return result;
}
// The strip of all eight rows, from lanes that have two or four of them each.
fn joined(m: mat4x4f, lane: u32, quads: u32) -> Strip {
  let half = Strip(matrix_of_lane(m, lane), matrix_of_lane(m, lane + quads));
  if (LANES == 4u || quads == 4u) { return half; }
  let other = Strip(matrix_of_lane(m, lane + 2u * quads), matrix_of_lane(m, lane + 3u * quads));
  let upper = mat4x4f(half.upper[0], half.upper[1], half.lower[0], half.lower[1]);
  return Strip(upper, mat4x4f(other.upper[0], other.upper[1], other.lower[0], other.lower[1]));
}
// exp(m - shift), and exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
fn weight(m: vec4f, shift: vec4f) -> vec4f { return select(vec4f(), exp(m - shift), m > vec4f(0.5 * MASKED)); }
fn weights(m: mat4x4f, shift: vec4f) -> mat4x4f {
  return mat4x4f(weight(m[0], shift), weight(m[1], shift), weight(m[2], shift), weight(m[3], shift));
}
fn score_gradients(p: mat4x4f, dp: mat4x4f, delta: vec4f) -> mat4x4f {
  return mat4x4f(p[0] * (dp[0] - delta), p[1] * (dp[1] - delta), p[2] * (dp[2] - delta), p[3] * (dp[3] - delta));
}
// The eight rows' entries of a table [label_count, label_count]: a lane holds those of query label LANES · v + lane.
alias Table = array<mat2x4f, LABEL_VECTORS>;
fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }
fn table_rows(table: u32, labels: Words, lane: u32) -> Table {
  var result = Table();
  for (var v = 0u; v < LABEL_VECTORS; v++) {
    let at = table + min(LANES * v + lane, parameters.label_count - 1u) * parameters.label_count;
    result[v] = mat2x4f(bitcast<vec4f>(words_of(at + labels.upper)), bitcast<vec4f>(words_of(at + labels.lower)));
  }
  return result;
}
fn rows_of_label(table: Table, label: u32) -> mat2x4f {
  var result = mat2x4f();
  for (var v = 0u; v < LABEL_VECTORS; v++) {
    let here = select(0.0, 1.0, label / LANES == v);
    result += here * mat2x4f(subgroupShuffle(table[v][0], label % LANES), subgroupShuffle(table[v][1], label % LANES));
  }
  return result;
}
fn entries(table: Table, labels: vec4u) -> Strip {
  let x = rows_of_label(table, labels.x);
  let y = rows_of_label(table, labels.y);
  let z = rows_of_label(table, labels.z);
  let w = rows_of_label(table, labels.w);
  return Strip(transpose(mat4x4f(x[0], y[0], z[0], w[0])), transpose(mat4x4f(x[1], y[1], z[1], w[1])));
}
// The same as bits, where biases are 0 and one other number. Of each row, four words: labels that it sees, below 32 and from
// 32 on, and labels with which it is biased. Two loads and shuffles a tile, where a table takes dozens.
alias RowBits = array<Words, 4>;
fn bits_of_rows(labels: vec2u) -> RowBits {
  var result = RowBits();
  for (var word = 0u; word < LABEL_WORDS; word++) {
    let at = parameters.bits_at + 2u * LABEL_WORDS * labels + word;
    result[word] = words_of_lanes(plan[at.x], plan[at.y]);
    if (BIASED > 0u) { result[2u + word] = words_of_lanes(plan[at.x + LABEL_WORDS], plan[at.y + LABEL_WORDS]); }
  }
  return result;
}
fn bias_of_bits(words: vec4u, low: vec4u, high: vec4u) -> vec4f {
  let biased = ((vec4u(words.z) & low) | (vec4u(words.w) & high)) != vec4u();
  let seen = ((vec4u(words.x) & low) | (vec4u(words.y) & high)) != vec4u();
  return select(vec4f(MASKED), select(vec4f(), vec4f(parameters.soft_bias), biased), seen);
}
fn biases_of_bits(bits: RowBits, labels: vec4u, tests: u32) -> Strip {
  let bit = vec4u(1u) << (labels & vec4u(31u));
  let low = select(bit, vec4u(), labels >= vec4u(32u));
  let high = bit - low;
  let first = bias_of_bits(vec4u(bits[0].upper.x, bits[1].upper.x, bits[2].upper.x, bits[3].upper.x), low, high);
  if ((tests & ONE_TAG) != 0u) { return Strip(mat4x4f(first, first, first, first), mat4x4f(first, first, first, first)); }
  var result = Strip();
  for (var r = 0u; r < 4u; r++) {
    result.upper[r] = bias_of_bits(vec4u(bits[0].upper[r], bits[1].upper[r], bits[2].upper[r], bits[3].upper[r]), low, high);
    result.lower[r] = bias_of_bits(vec4u(bits[0].lower[r], bits[1].lower[r], bits[2].lower[r], bits[3].lower[r]), low, high);
  }
  return result;
}
// Labels stand four in a word; a quad of queries begins a word wherever ranges are tested.
fn labels_of_quad(token: u32, shift: u32) -> vec4u {
  return (vec4u(plan[parameters.labels_at + ((token + shift) >> 2u)]) >> (8u * OFFSETS)) & vec4u(255u);
}
fn label_of(token: u32, shift: u32) -> u32 { return labels_of_quad(token, shift)[(token + shift) & 3u]; }
struct Places { positions: Rows, sentences: Rows } // of tokens: their index in the text, and their sentence
// Whether pairs are within reach (src/grammar/scope.ts): a window in pieces, and a half more where a common sentence suffices.
fn within(reach: vec4f, distance: vec4f, same_sentence: vec4<bool>) -> vec4<bool> {
  return (distance <= reach) | ((fract(reach) == vec4f(0.5)) & same_sentence);
}
// What is added to the scores of four queries against a key row: `near`, or where rules have scopes what the two reaches say.
fn placed(near: vec4f, soft: vec4f, position: f32, sentence: f32, positions: vec4f, sentences: vec4f) -> vec4f {
  var bias = near;
  if (PLACED > 1u) {
    let same = (sentences == vec4f(sentence)) | (sentences == vec4f(NO_SENTENCE)) | vec4<bool>(sentence == NO_SENTENCE);
    let distance = abs(positions - position);
    let elsewhere = select(vec4f(parameters.elsewhere), vec4f(parameters.soft_bias), within(soft, distance, same));
    bias = select(elsewhere, vec4f(), within(near, distance, same));
  }
  return select(bias, vec4f(MASKED), (positions < vec4f(position)) & vec4<bool>(parameters.causal != 0u));
}
fn placed_rows(near: Strip, soft: Strip, rows: Places, positions: vec4f, sentences: vec4f) -> Strip {
  var result = near;
  for (var r = 0u; r < 4u; r++) {
    result.upper[r] = placed(near.upper[r], soft.upper[r], rows.positions.upper[r], rows.sentences.upper[r], positions, sentences);
    result.lower[r] = placed(near.lower[r], soft.lower[r], rows.positions.lower[r], rows.sentences.lower[r], positions, sentences);
  }
  return result;
}
// Random words that depend on no tile and on no order: a chain of 32-bit finalizers (constants: Wellons, hash-prospector,
// "lowbias32") over stream, head, original query and original key.
fn mixed(word: vec4u, shift: u32, factor: u32) -> vec4u { return (word ^ (word >> vec4u(shift))) * factor; }
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  return mixed(mixed(mixed(chain + (words + 1u) * 0x9e3779b9u, 16u, 0x7feb352du), 15u, 0x846ca68bu), 16u, 1u);
}
// 1 / (1 - probability) where the pair is kept, else 0: for four queries against one key.
fn kept(chains: vec4u, key: f32) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(chains, vec4u(u32(key))) >= vec4u(parameters.dropout_limit));
}
fn dropped(m: mat4x4f, chains: vec4u, keys: vec4f) -> mat4x4f {
  return mat4x4f(m[0] * kept(chains, keys.x), m[1] * kept(chains, keys.y), m[2] * kept(chains, keys.z), m[3] * kept(chains, keys.w));
}

// Stores the rows of a tile, beginning at a vector of the first. Those behind the last are copies of it: they need no branch.
fn store(k: Strip, v: Strip, first: u32, row_count: u32) {
  let stride = parameters.heads * parameters.head_vectors;
  for (var r = 0u; r < 4u; r++) {
    let upper = first + min(r, row_count - 1u) * stride;
    let lower = first + min(r + 4u, row_count - 1u) * stride;
    key_gradient[upper] = parameters.scale * k.upper[r];
    key_gradient[lower] = parameters.scale * k.lower[r];
    value_gradient[upper] = v.upper[r];
    value_gradient[lower] = v.lower[r];
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = select(id, id.yxz, vec3<bool>(parameters.heads_first != 0u));
  let tile = parameters.tiles_at + 8u * group.x;
  let words = words_of_lanes(plan[tile + lane], plan[tile + 4u - LOWER + lane]);
  let row_start = words.upper.x;
  let row_count = words.upper.y;
  let first_range = words.upper.z;
  let range_count = words.upper.w;
  let tests = words.lower.y;
  let label_shift = words.lower.z;
  var head = group.y;
  if (parameters.heads_at != ALL_HEADS) { head = plan[parameters.heads_at + group.y]; }
  let vectors = parameters.panel_vectors;
  let at = vec2u(head / parameters.panels_per_column * vectors, head % parameters.panels_per_column * parameters.panel_rows);

  // Rows behind the end of the tile repeat its last row, and are not stored. A lane loads the vectors of its own row.
  let own_rows = row_start + min(vec2u(lane, lane + 4u - LOWER), vec2u(row_count - 1u));

  var places = Places();
  if (DROPOUT + PLACED > 0u) {
    places.positions = rows_of(words_of_lanes(plan[parameters.positions_at + own_rows.x], plan[parameters.positions_at + own_rows.y]));
  }
  var bits = RowBits();
  var table = Table(); // of biases, or of hard reaches
  var soft = Table();
  if (tests != 0u) {
    let own_labels = vec2u(label_of(own_rows.x, label_shift), label_of(own_rows.y, label_shift));
    let labels = words_of_lanes(own_labels.x, own_labels.y);
    bits = bits_of_rows(own_labels);
    if (LABEL_WORDS == 0u) { table = table_rows(parameters.table_at + head * parameters.table_stride, labels, lane); }
    if (PLACED > 1u) {
      soft = table_rows(parameters.table_at + parameters.label_count * parameters.label_count, labels, lane);
      places.sentences = rows_of(words_of_lanes(plan[parameters.sentences_at + own_rows.x], plan[parameters.sentences_at + own_rows.y]));
    }
  }
  let chain = chained(vec4u(parameters.dropout_stream), vec4u(head));

  let channels = 4u * LANES * group.z + LANES * OFFSETS + lane;
  let safe_channels = min(channels, vec4u(vectors - 1u));
  var key_sums = array<Strip, OUTPUT_VECTORS>();
  var value_sums = array<Strip, OUTPUT_VECTORS>();
  var multiplied = 0u;

  // The ranges of a tile stand one behind another as "slots", each padded to four: a lane's four are of one range.
  for (var page = 0u; page < range_count; page += LANES) {
    let range = parameters.ranges_at + 3u * (first_range + min(page + lane, range_count - 1u));
    let range_start = plan[range];
    let range_end = range_start + plan[range + 1u];
    let range_slot = plan[range + 2u];
    let last_range = min(range_count - page, LANES) - 1u;
    let slots_end = subgroupShuffle(range_slot + ((range_end - range_start + 3u) & ~3u), last_range);
    let own_slot = select(0xffffffffu, range_slot, lane <= last_range);

    var step = subgroupBroadcast(range_slot, 0u);
    loop {
      // A whole step gives a lane four queries of its own; near the end, two or more lanes share four and each takes some of
      // the rows, so that 16 or 8 queries cost what they should.
      let remaining = slots_end - step;
      var quads = LANES;
      if (remaining <= 8u) { quads = 2u; } else if (remaining <= 16u) { quads = 4u; }
      let column = lane & (quads - 1u);
      let slot = step + 4u * column;
      var index = 0u;
      for (var other = 1u; other < LANES; other++) { index += select(0u, 1u, slot >= subgroupShuffle(own_slot, other)); }
      let first_query = subgroupShuffle(range_start - range_slot, index) + slot;
      let queries_end = subgroupShuffle(range_end, index);
      let queries = min(first_query + OFFSETS, vec4u(queries_end - 1u));

      var scores = Strip();
      var dp = Strip();
      if (quads == LANES) {
        for (var d = 0u; d < vectors; d++) {
          scores = accumulated(scores, transpose(block(query, at, queries, d)), all_rows(own(key, at, own_rows, d)));
          dp = accumulated(dp, transpose(block(output_gradient, at, queries, d)), all_rows(own(value, at, own_rows, d)));
          if (COUNTING > 0u) { multiplied += 8u; }
        }
      } else {
        // Lanes share four columns: each loads the blocks of some vectors of channels for all of them, and has some rows.
        let sharing = LANES / quads;
        let rows = 8u / sharing;
        var own_scores = mat4x4f();
        var own_dp = mat4x4f();
        for (var first = 0u; first < vectors; first += sharing) {
          let own_query = transpose(block(query, at, queries, first + lane / quads));
          let own_output_gradient = transpose(block(output_gradient, at, queries, first + lane / quads));
          for (var d = 0u; d < sharing; d++) {
            let from_lane = column + quads * d;
            own_scores = shared_rows(own_scores, matrix_of_lane(own_query, from_lane), own(key, at, own_rows, first + d), rows * (lane / quads), rows);
            own_dp = shared_rows(own_dp, matrix_of_lane(own_output_gradient, from_lane), own(value, at, own_rows, first + d), rows * (lane / quads), rows);
            if (COUNTING > 0u) { multiplied += rows; }
          }
        }
        scores = joined(own_scores, column, quads);
        dp = joined(own_dp, column, quads);
      }
      let absent = select(vec4f(MASKED), vec4f(), first_query + OFFSETS < vec4u(queries_end));
      var bias = Strip(mat4x4f(absent, absent, absent, absent), mat4x4f(absent, absent, absent, absent));
      if (tests != 0u) {
        let labels = labels_of_quad(first_query, label_shift);
        var tested = biases_of_bits(bits, labels, tests);
        if (LABEL_WORDS == 0u) { tested = entries(table, labels); }
        if (PLACED > 0u && (tests & TEST_PLACES) != 0u) {
          let positions = vec4f(words_of(parameters.positions_at + queries));
          let sentences = vec4f(words_of(parameters.sentences_at + queries));
          tested = placed_rows(tested, entries(soft, labels), places, positions, sentences);
        }
        bias = Strip(bias.upper + tested.upper, bias.lower + tested.lower);
      }
      scores = Strip(scores.upper * parameters.scale + bias.upper, scores.lower * parameters.scale + bias.lower);

      let to = queries * parameters.heads + head;
      let a = statistics[to.x];
      let b = statistics[to.y];
      let c = statistics[to.z];
      let e = statistics[to.w];
      let log_sums = vec4f(a.x, b.x, c.x, e.x);
      let delta = vec4f(a.y, b.y, c.y, e.y);
      let p = Strip(weights(scores.upper, log_sums), weights(scores.lower, log_sums));
      var kept_p = p;
      if (DROPOUT > 0u) {
        let chains = chained(chain, words_of(parameters.positions_at + queries));
        kept_p = Strip(dropped(p.upper, chains, places.positions.upper), dropped(p.lower, chains, places.positions.lower));
        dp = Strip(dropped(dp.upper, chains, places.positions.upper), dropped(dp.lower, chains, places.positions.lower));
      }
      let ds = Strip(score_gradients(p.upper, dp.upper, delta), score_gradients(p.lower, dp.lower, delta));
      // A loop for each product: in one, their sums would be more than the processor's first cache holds beside the rest.
      let query_quads = min(quads, (remaining + 3u) / 4u);
      for (var quad = 0u; quad < query_quads; quad++) {
        let its = subgroupShuffle(queries, quad);
        let w = strip_of_lane(kept_p, quad);
        for (var v = 0u; v < OUTPUT_VECTORS; v++) { value_sums[v] = accumulated(value_sums[v], block(output_gradient, at, its, safe_channels[v]), w); }
      }
      for (var quad = 0u; quad < query_quads; quad++) {
        let its = subgroupShuffle(queries, quad);
        let g = strip_of_lane(ds, quad);
        for (var v = 0u; v < OUTPUT_VECTORS; v++) { key_sums[v] = accumulated(key_sums[v], block(query, at, its, safe_channels[v]), g); }
      }
      step += 4u * quads;
      if (step >= slots_end) { break; }
    }
  }

  if (COUNTING > 0u) {
    let all = f32(subgroupAdd(multiplied));
    if (lane == 0u && group.z == 0u) { key_gradient[parameters.counts_before + id.y * groups.x + id.x] = vec4f(all); }
    return;
  }
  let first = (row_start * parameters.heads + head) * parameters.head_vectors;
  for (var v = 0u; v < OUTPUT_VECTORS; v++) {
    if (channels[v] < parameters.head_vectors) { store(key_sums[v], value_sums[v], first + channels[v], row_count); }
  }
}
