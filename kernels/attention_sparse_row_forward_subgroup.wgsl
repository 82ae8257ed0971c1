enable subgroups;
diagnostic(off, subgroup_uniformity); // what steers a subgroup is the same in all of its lanes, which the language cannot see

// Block-sparse attention, forward, for the rows that a tile has alone, by one subgroup a row. Formula:
// attention_sparse_row_forward_wide.wgsl.
//
// Buffers (group 0)
//   query, key, value   textures: for each head a panel of [tokens, panel_vectors] vectors (src/gpu/panels.ts)
//   plan                tiles of one row, ranges, positions, sentences, labels, tables (src/plan/plan-words.ts)
//   output              [tokens, heads, headDim] f32, as vec4f
//   log_sum_exp         [tokens, heads] f32, natural logarithm
// Grid        (tiles of one row, heads). A workgroup owns one row of one sequence in one head.
// Invocations one subgroup. A lane owns every vector of the row whose number is its own modulo LANES, and four keys of a step,
//             whose labels and places it looks up and whose weights it computes.
//
// Why so: a strip of eight rows that holds [CLS] multiplies all eight with every token of the document. Alone, [CLS] is a matter of
// loads. Lanes side by side load vectors side by side, so that keys and values come in the order in which they lie in memory:
// 1.0 µs a step on lavapipe, where a strip takes 2.6, and a lane for each key, as in a strip, 1.8. A dispatch of its own costs what
// some 600 keys save. See attention_dense_forward_subgroup.wgsl for what loads cost, and
// attention_sparse_forward_subgroup.wgsl for how a step finds its ranges.

const LANES = 8u; // of a subgroup, which is the whole workgroup: 4 or 8
const ABREAST = 1u; // rows of a panel that stand side by side in its texture: a power of two
const VECTORS = 2u; // that a lane owns of a row: ceil(headDim / (4 · LANES)), at most 8
const PLACED = 0u; // 1 where the plan is causal; 2 where rules have scopes, and the tables are those of hard and soft reaches
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose output is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  panel_rows: u32, heads: u32, label_count: u32, heads_first: u32, // 1 where the grid counts heads before tiles
  head_vectors: u32, panel_vectors: u32, panels_per_column: u32, // headDim / 4; the same padded to a multiple of 4
  heads_at: u32, tiles_at: u32, ranges_at: u32, positions_at: u32, sentences_at: u32, labels_at: u32, // in the plan
  counts_before: u32, // workgroups of earlier dispatches, whose counts stand first
  table_at: u32, table_stride: u32, // from one head's table to the next; 0 where all heads share one
  scale: f32, soft_bias: f32, elsewhere: f32, causal: u32,
  dropout_limit: u32, dropout_scale: f32, dropout_stream: u32, // the probability of dropping, times 2^32; 1 / (1 - probability)
}

@group(0) @binding(0) var query: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var key: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var value: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var<storage, read> plan: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> log_sum_exp: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

alias Panels = texture_storage_2d<rgba32float, read>;
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const ALL_HEADS = 0xffffffffu;
const NO_SENTENCE = 4294967295.0;
const TEST_PLACES = 2u;
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise
const SLACK = 5.0; // by how much scores may exceed what is subtracted from them before all is scaled anew: e^5 is far from f32's end

// A lane's vector of a row; where the row has none for it, another's, which its own row's zeros hide.
fn vector(panels: Panels, at: vec2u, row: u32, d: u32) -> vec4f {
  let column = row % ABREAST * parameters.panel_vectors + min(d, parameters.panel_vectors - 1u);
  return textureLoad(panels, at + vec2u(column, row / ABREAST));
}
// The same of four rows.
fn block(panels: Panels, at: vec2u, rows: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(vector(panels, at, rows.x, d), vector(panels, at, rows.y, d), vector(panels, at, rows.z, d), vector(panels, at, rows.w, d));
}
// All that a lane owns of its own row.
alias Row = array<vec4f, VECTORS>;
fn own(panels: Panels, at: vec2u, row: u32, lane: u32) -> Row {
  var result = Row();
  for (var v = 0u; v < VECTORS; v++) {
    let d = LANES * v + lane;
    if (d < parameters.panel_vectors) { result[v] = vector(panels, at, row, d); }
  }
  return result;
}
// sum + block · v, four products first: a quarter of the roundings are of the sum's size.
fn added(sum: vec4f, block: mat4x4f, v: vec4f) -> vec4f {
  return sum + (((block[0] * v.x + block[1] * v.y) + block[2] * v.z) + block[3] * v.w);
}
fn sum_of_lanes(v: vec4f) -> vec4f {
  var result = v;
  for (var other = 1u; other < LANES; other *= 2u) { result += subgroupShuffleXor(result, other); }
  return result;
}
fn largest_of_lanes(v: vec4f) -> f32 {
  var result = max(max(v.x, v.y), max(v.z, v.w));
  for (var other = 1u; other < LANES; other *= 2u) { result = max(result, subgroupShuffleXor(result, other)); }
  return result;
}
// exp(s - shift), and exactly 0 where a pair does not exist: exp(MASKED - MASKED) would be 1.
fn weight(s: vec4f, shift: f32) -> vec4f { return select(vec4f(), exp(s - shift), s > vec4f(0.5 * MASKED)); }

fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }
// Labels stand four in a word; a quad of keys begins a word wherever ranges are tested.
fn labels_of_quad(token: u32, shift: u32) -> vec4u {
  return (vec4u(plan[parameters.labels_at + ((token + shift) >> 2u)]) >> (8u * OFFSETS)) & vec4u(255u);
}
// Whether pairs are within reach (src/grammar/scope.ts): a window in pieces, and a half more where a common sentence suffices.
fn within(reach: vec4f, distance: vec4f, same_sentence: vec4<bool>) -> vec4<bool> {
  return (distance <= reach) | ((fract(reach) == vec4f(0.5)) & same_sentence);
}
// What is added to the scores of the row and four keys, the first of which begins a quad: biases, or what two reaches say.
fn biases(tests: u32, head: u32, row: u32, first: u32, keys: vec4u, shift: u32) -> vec4f {
  let label = labels_of_quad(row, shift)[(row + shift) & 3u];
  let entries = parameters.table_at + label * parameters.label_count + labels_of_quad(first, shift);
  let near = bitcast<vec4f>(words_of(head * parameters.table_stride + entries));
  if (PLACED == 0u || (tests & TEST_PLACES) == 0u) { return near; }
  let position = f32(plan[parameters.positions_at + row]);
  let positions = vec4f(words_of(parameters.positions_at + keys));
  var bias = near;
  if (PLACED > 1u) {
    let soft = bitcast<vec4f>(words_of(parameters.label_count * parameters.label_count + entries));
    let sentence = f32(plan[parameters.sentences_at + row]);
    let sentences = vec4f(words_of(parameters.sentences_at + keys));
    let same = (sentences == vec4f(sentence)) | (sentences == vec4f(NO_SENTENCE)) | vec4<bool>(sentence == NO_SENTENCE);
    let distance = abs(positions - position);
    let elsewhere = select(vec4f(parameters.elsewhere), vec4f(parameters.soft_bias), within(soft, distance, same));
    bias = select(elsewhere, vec4f(), within(near, distance, same));
  }
  return select(bias, vec4f(MASKED), (positions > vec4f(position)) & vec4<bool>(parameters.causal != 0u));
}
// Random words that depend on no tile and on no order: a chain of 32-bit finalizers (constants: Wellons, hash-prospector,
// "lowbias32") over stream, head, original query and original key.
fn mixed(word: vec4u, shift: u32, factor: u32) -> vec4u { return (word ^ (word >> vec4u(shift))) * factor; }
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  return mixed(mixed(mixed(chain + (words + 1u) * 0x9e3779b9u, 16u, 0x7feb352du), 15u, 0x846ca68bu), 16u, 1u);
}
// 1 / (1 - probability) where a pair is kept, else 0.
fn kept(query_chains: vec4u, keys: vec4u) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(query_chains, keys) >= vec4u(parameters.dropout_limit));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = select(id, id.yxz, vec3<bool>(parameters.heads_first != 0u));
  let tile = parameters.tiles_at + 8u * group.x;
  let row = plan[tile];
  let range_count = plan[tile + 3u];
  let tests = plan[tile + 5u];
  let label_shift = plan[tile + 6u];
  var head = group.y;
  if (parameters.heads_at != ALL_HEADS) { head = plan[parameters.heads_at + group.y]; }
  let corner = head / parameters.panels_per_column * parameters.panel_vectors;
  let at = vec2u(corner, head % parameters.panels_per_column * parameters.panel_rows);
  var chain = chained(vec4u(parameters.dropout_stream), vec4u(head));
  if (DROPOUT > 0u) { chain = chained(chain, vec4u(plan[parameters.positions_at + row])); }
  let own_query = own(query, at, row, lane);
  var maximum = MASKED;
  var sums = vec4f();
  var outputs = Row();
  var multiplied = 0u;

  // The ranges of a tile stand one behind another as "slots", each padded to four: a lane's four keys are of one range.
  for (var page = 0u; page < range_count; page += LANES) {
    let range = parameters.ranges_at + 3u * (plan[tile + 2u] + min(page + lane, range_count - 1u));
    let range_start = plan[range];
    let range_end = range_start + plan[range + 1u];
    let range_slot = plan[range + 2u];
    let last_range = min(range_count - page, LANES) - 1u;
    let slots_end = subgroupShuffle(range_slot + ((range_end - range_start + 3u) & ~3u), last_range);
    let own_slot = select(0xffffffffu, range_slot, lane <= last_range);

    for (var step = subgroupBroadcast(range_slot, 0u); step < slots_end; step += 4u * LANES) {
      let slot = step + 4u * lane;
      var index = 0u;
      for (var other = 1u; other < LANES; other++) { index += select(0u, 1u, slot >= subgroupShuffle(own_slot, other)); }
      let first = subgroupShuffle(range_start - range_slot, index) + slot;
      let end = subgroupShuffle(range_end, index);
      let keys = min(first + OFFSETS, vec4u(end - 1u));
      var bias = select(vec4f(MASKED), vec4f(), first + OFFSETS < vec4u(end));
      if (tests != 0u) { bias += biases(tests, head, row, min(first, end - 1u), keys, label_shift); }
      let quads = min(LANES, (slots_end - step) / 4u);

      var scores = vec4f();
      for (var quad = 0u; quad < quads; quad++) {
        let quad_keys = subgroupShuffle(keys, quad);
        var products = vec4f();
        for (var v = 0u; v < VECTORS; v++) {
          products = added(products, transpose(block(key, at, quad_keys, LANES * v + lane)), own_query[v]);
          if (COUNTING > 0u) { multiplied += select(0u, 1u, LANES * v + lane < parameters.panel_vectors); }
        }
        scores = select(scores, sum_of_lanes(products), vec4<bool>(lane == quad));
      }
      scores = select(vec4f(MASKED), scores * parameters.scale + bias, vec4<bool>(lane < quads));
      let peak = largest_of_lanes(scores);
      if (peak - maximum > SLACK) {
        let rescale = exp(maximum - peak);
        maximum = peak;
        sums *= rescale;
        for (var v = 0u; v < VECTORS; v++) { outputs[v] *= rescale; }
      }
      var p = weight(scores, maximum);
      sums += p;
      if (DROPOUT > 0u) { p *= kept(chain, words_of(parameters.positions_at + keys)); }
      for (var quad = 0u; quad < quads; quad++) {
        let quad_keys = subgroupShuffle(keys, quad);
        let w = subgroupShuffle(p, quad);
        for (var v = 0u; v < VECTORS; v++) { outputs[v] = added(outputs[v], block(value, at, quad_keys, LANES * v + lane), w); }
      }
    }
  }

  if (COUNTING > 0u) {
    let all = f32(subgroupAdd(multiplied));
    if (lane == 0u) { output[parameters.counts_before + id.y * groups.x + id.x] = vec4f(all); }
    return;
  }
  let to = (row * parameters.heads + head) * parameters.head_vectors + lane;
  let sum = dot(sum_of_lanes(sums), vec4f(1.0));
  for (var v = 0u; v < VECTORS; v++) {
    // What was subtracted is some score, whose weight is 1: no sum is below, but for those of rows that see no key.
    if (LANES * v + lane < parameters.head_vectors) { output[to + LANES * v] = outputs[v] / max(sum, 0.5); }
  }
  if (lane == 0u) { log_sum_exp[row * parameters.heads + head] = select(MASKED, maximum + log(sum), sum > 0.0); }
}
