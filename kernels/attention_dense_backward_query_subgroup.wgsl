enable subgroups;
// What steers a subgroup is the same in all of its lanes, but the language only sees that lanes loaded it.
diagnostic(off, subgroup_uniformity);

// Dense attention, backward: the gradient of the queries, by one subgroup a strip of eight rows.
// Formula: attention_dense_backward_query.wgsl.
//
// Buffers (group 0)
//   query, key, value, output_gradient   textures: for each head a panel of [tokens, panel_vectors] vectors (src/gpu/panels.ts)
//   plan              tiles of up to 8 rows, ranges, positions (src/plan/plan-words.ts)
//   statistics        [tokens, heads] vec2f: L and Δ (attention_statistics.wgsl)
//   query_gradient    [tokens, heads, headDim] f32, as vec4f
// Grid        (tiles, heads, ceil(headDim / (16 · LANES))). A workgroup owns up to 8 query rows of one sequence in one head.
// Invocations one subgroup. A lane owns the rows' scores against 4 keys of a step, and of their gradients every vector whose
//             number is its own modulo LANES.
//
// Why so: see attention_dense_forward_subgroup.wgsl.

const LANES = 8u; // of a subgroup, which is the whole workgroup: 4 or 8
const ABREAST = 1u; // rows of a panel that stand side by side in its texture: a power of two
const OUTPUT_VECTORS = 2u; // that a lane owns of each row, at most 4
const DROPOUT = 0u; // 1 where probabilities are dropped
const COUNTING = 0u; // 1 for a kernel whose gradient is, for each workgroup, how many multiply-adds its scores took, / 16

struct Parameters {
  panel_rows: u32, // of the texture
  heads: u32,
  heads_first: u32, // 1 where the grid counts heads before tiles
  head_vectors: u32, // headDim / 4
  counts_before: u32, // workgroups of earlier dispatches, whose counts stand first
  panel_vectors: u32, // the same, padded with zeros to a multiple of 4
  panels_per_column: u32,
  tiles_at: u32,
  ranges_at: u32,
  positions_at: u32,
  scale: f32,
  dropout_limit: u32, // the probability of dropping, times 2^32
  dropout_scale: f32, // 1 / (1 - probability)
  dropout_stream: u32,
}

@group(0) @binding(0) var query: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var key: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var value: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var output_gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read> plan: array<u32>;
@group(0) @binding(5) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> query_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

alias Panels = texture_storage_2d<rgba32float, read>;
const STEP = 4u * LANES; // keys of a whole step
const LOWER = select(0u, 4u, LANES >= 8u); // a lane's second row among the lanes: four load two rows each, eight load one
const OFFSETS = vec4u(0u, 1u, 2u, 3u);
const MASKED = -1e30; // stands for minus infinity, which WGSL does not promise

// A strip's eight rows: a matrix column for each row, four of its keys or channels in it. And one number for each row.
struct Strip { upper: mat4x4f, lower: mat4x4f }
struct Rows { upper: vec4f, lower: vec4f }

fn vector(panels: Panels, at: vec2u, row: u32, d: u32) -> vec4f {
  return textureLoad(panels, at + vec2u(row % ABREAST * parameters.panel_vectors + d, row / ABREAST));
}
fn block(panels: Panels, at: vec2u, rows: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(vector(panels, at, rows.x, d), vector(panels, at, rows.y, d), vector(panels, at, rows.z, d), vector(panels, at, rows.w, d));
}

// Four vectors that stand in `lanes`.
fn from_lanes(v: vec4f, lanes: vec4u) -> mat4x4f {
  return mat4x4f(subgroupShuffle(v, lanes.x), subgroupShuffle(v, lanes.y), subgroupShuffle(v, lanes.z), subgroupShuffle(v, lanes.w));
}
// The eight rows' vectors, of which a lane holds its own row's, or two rows' where there are four lanes.
fn strip_from_lanes(first: vec4f, second: vec4f) -> Strip {
  return Strip(from_lanes(first, OFFSETS), from_lanes(second, OFFSETS + LOWER));
}
fn own_strip(panels: Panels, at: vec2u, rows: vec2u, d: u32) -> Strip {
  let first = vector(panels, at, rows.x, d);
  if (LANES >= 8u) { return strip_from_lanes(first, first); }
  return strip_from_lanes(first, vector(panels, at, rows.y, d));
}
fn rows_of_lanes(first: f32, second: f32) -> Rows {
  let rows = strip_from_lanes(vec4f(first), vec4f(second));
  return Rows(transpose(rows.upper)[0], transpose(rows.lower)[0]);
}
fn matrix_of_lane(m: mat4x4f, lane: u32) -> mat4x4f {
  return mat4x4f(subgroupShuffle(m[0], lane), subgroupShuffle(m[1], lane), subgroupShuffle(m[2], lane), subgroupShuffle(m[3], lane));
}
fn strip_of_lane(s: Strip, lane: u32) -> Strip { return Strip(matrix_of_lane(s.upper, lane), matrix_of_lane(s.lower, lane)); }
fn plus(a: Strip, b: Strip) -> Strip { return Strip(a.upper + b.upper, a.lower + b.lower); }

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
// Where lanes share four columns, each has some of the eight rows to itself: two, or four. The vector of one of them:
fn row_of_lanes(first: vec4f, second: vec4f, row: u32) -> vec4f {
  let v = subgroupShuffle(first, row % LANES);
  if (LANES >= 8u) { return v; }
  return select(v, subgroupShuffle(second, row % LANES), vec4<bool>(row >= LANES));
}
// The products of these rows, of which `first_row` is the first.
fn shared_rows(sum: mat4x4f, block: mat4x4f, panels: Panels, at: vec2u, rows: vec2u, d: u32, first_row: u32, row_count: u32) -> mat4x4f {
  let first = vector(panels, at, rows.x, d);
  var second = first;
  if (LANES < 8u) { second = vector(panels, at, rows.y, d); }
  var result = sum;
  result[0] = added(sum[0], block, row_of_lanes(first, second, first_row));
  result[1] = added(sum[1], block, row_of_lanes(first, second, first_row + 1u));
  if (row_count > 2u) {
    result[2] = added(sum[2], block, row_of_lanes(first, second, first_row + 2u));
    result[3] = added(sum[3], block, row_of_lanes(first, second, first_row + 3u));
  }
  return result;
}
// The strip of all eight rows, from lanes that have two or four of them each.
fn joined(m: mat4x4f, lane: u32, quads: u32) -> Strip {
  let a = matrix_of_lane(m, lane);
  let b = matrix_of_lane(m, lane + quads);
  if (LANES == 4u || quads == 4u) { return Strip(a, b); }
  let c = matrix_of_lane(m, lane + 2u * quads);
  let d = matrix_of_lane(m, lane + 3u * quads);
  return Strip(mat4x4f(a[0], a[1], b[0], b[1]), mat4x4f(c[0], c[1], d[0], d[1]));
}
// exp(m - shift); exp(MASKED - shift) is 0.
fn weight(m: vec4f, shift: f32) -> vec4f { return exp(m - shift); }
fn weights(m: mat4x4f, shift: vec4f) -> mat4x4f {
  return mat4x4f(weight(m[0], shift.x), weight(m[1], shift.y), weight(m[2], shift.z), weight(m[3], shift.w));
}
// p · (dp - Δ)
fn score_gradients(p: mat4x4f, dp: mat4x4f, delta: vec4f) -> mat4x4f {
  return mat4x4f(p[0] * (dp[0] - delta.x), p[1] * (dp[1] - delta.y), p[2] * (dp[2] - delta.z), p[3] * (dp[3] - delta.w));
}

fn words_of(at: vec4u) -> vec4u { return vec4u(plan[at.x], plan[at.y], plan[at.z], plan[at.w]); }

// Counter-based random words: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32"), over
// stream, head, original query and original key. They depend on no tile and on no order.
fn chained(chain: vec4u, words: vec4u) -> vec4u {
  var h = chain + (words + 1u) * 0x9e3779b9u;
  h = (h ^ (h >> vec4u(16u))) * 0x7feb352du;
  h = (h ^ (h >> vec4u(15u))) * 0x846ca68bu;
  return h ^ (h >> vec4u(16u));
}
// 1 / (1 - probability) where the pair is kept, else 0: for one query against four keys.
fn kept(row_chain: u32, keys: vec4u) -> vec4f {
  return select(vec4f(), vec4f(parameters.dropout_scale), chained(vec4u(row_chain), keys) >= vec4u(parameters.dropout_limit));
}
fn dropped(m: mat4x4f, chains: vec4u, keys: vec4u) -> mat4x4f {
  return mat4x4f(m[0] * kept(chains.x, keys), m[1] * kept(chains.y, keys), m[2] * kept(chains.z, keys), m[3] * kept(chains.w, keys));
}

// Stores the rows of a tile, beginning at a vector of the first. Those behind the last are copies of it: they need no branch.
fn store(s: Strip, first: u32, row_count: u32) {
  let stride = parameters.heads * parameters.head_vectors;
  for (var r = 0u; r < 4u; r++) {
    query_gradient[first + min(r, row_count - 1u) * stride] = parameters.scale * s.upper[r];
    query_gradient[first + min(r + 4u, row_count - 1u) * stride] = parameters.scale * s.lower[r];
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  // A word a lane: loads are dear, broadcasts are not.
  let group = select(id, id.yxz, vec3<bool>(parameters.heads_first != 0u));
  let tile = parameters.tiles_at + 8u * group.x;
  let first_words = plan[tile + lane % 8u];
  var last_words = first_words;
  if (LANES < 8u) { last_words = plan[tile + 4u + lane]; }
  let row_start = subgroupBroadcast(first_words, 0u);
  let row_count = subgroupBroadcast(first_words, 1u);
  let first_range = subgroupBroadcast(first_words, 2u);
  let slots_end = subgroupBroadcast(last_words, LOWER);
  let keys_start = subgroupBroadcast(last_words, LOWER + 3u);
  let key_count = plan[parameters.ranges_at + 3u * first_range + 1u];
  let head = group.y;
  let vectors = parameters.panel_vectors;
  let at = vec2u(head / parameters.panels_per_column * vectors, head % parameters.panels_per_column * parameters.panel_rows);

  // Rows behind the end of the tile repeat its last row, and are not stored. A lane loads the vectors of its own row.
  let last = row_count - 1u;
  let own_rows = row_start + min(vec2u(lane, lane + 4u - LOWER), vec2u(last));

  var positions = Rows();
  if (DROPOUT > 0u) {
    positions = rows_of_lanes(f32(plan[parameters.positions_at + own_rows.x]), f32(plan[parameters.positions_at + own_rows.y]));
  }
  let chain = chained(vec4u(parameters.dropout_stream), vec4u(head));
  let upper_chains = chained(chain, vec4u(positions.upper));
  let lower_chains = chained(chain, vec4u(positions.lower));

  let channels = 4u * LANES * group.z + LANES * OFFSETS + lane;
  let safe_channels = min(channels, vec4u(vectors - 1u));
  let own_statistics = statistics[own_rows.x * parameters.heads + head];
  let second_statistics = statistics[own_rows.y * parameters.heads + head];
  let log_sums = rows_of_lanes(own_statistics.x, second_statistics.x);
  let delta = rows_of_lanes(own_statistics.y, second_statistics.y);
  var gradients = array<Strip, OUTPUT_VECTORS>();
  var multiplied = 0u;

  var step = 0u;
  loop {
    // A whole step gives a lane four keys of its own; near the end, two or more lanes share four keys and each takes
    // some of the rows, so that 16 or 8 keys cost what they should.
    let remaining = slots_end - step;
    var quads = LANES;
    if (remaining <= 8u) { quads = 2u; } else if (remaining <= 16u) { quads = 4u; }
    let slot = step + 4u * (lane & (quads - 1u));
    let keys = keys_start + min(slot + OFFSETS, vec4u(key_count - 1u));

    var scores = Strip();
    var dp = Strip();
    if (quads == LANES) {
      for (var d = 0u; d < vectors; d++) {
        scores = accumulated(scores, transpose(block(key, at, keys, d)), own_strip(query, at, own_rows, d));
        dp = accumulated(dp, transpose(block(value, at, keys, d)), own_strip(output_gradient, at, own_rows, d));
        if (COUNTING > 0u) { multiplied += 8u; }
      }
    } else {
      // Lanes share four columns: each loads the blocks of some vectors of channels for all of them, and has some rows.
      let sharing = LANES / quads;
      let column = lane & (quads - 1u);
      let rows = 8u / sharing;
      var own_scores = mat4x4f();
      var own_dp = mat4x4f();
      for (var first = 0u; first < vectors; first += sharing) {
        let own_key = transpose(block(key, at, keys, first + lane / quads));
        let own_value = transpose(block(value, at, keys, first + lane / quads));
        for (var d = 0u; d < sharing; d++) {
          let from_lane = column + quads * d;
          own_scores = shared_rows(own_scores, matrix_of_lane(own_key, from_lane), query, at, own_rows, first + d, rows * (lane / quads), rows);
          own_dp = shared_rows(own_dp, matrix_of_lane(own_value, from_lane), output_gradient, at, own_rows, first + d, rows * (lane / quads), rows);
          if (COUNTING > 0u) { multiplied += rows; }
        }
      }
      scores = joined(own_scores, column, quads);
      dp = joined(own_dp, column, quads);
    }
    let absent = select(vec4f(MASKED), vec4f(), slot + OFFSETS < vec4u(key_count));
    let bias = mat4x4f(absent, absent, absent, absent);
    scores = Strip(scores.upper * parameters.scale + bias, scores.lower * parameters.scale + bias);

    let p = Strip(weights(scores.upper, log_sums.upper), weights(scores.lower, log_sums.lower));
    if (DROPOUT > 0u) {
      let positions = words_of(parameters.positions_at + keys);
      dp = Strip(dropped(dp.upper, upper_chains, positions), dropped(dp.lower, lower_chains, positions));
    }
    let ds = Strip(score_gradients(p.upper, dp.upper, delta.upper), score_gradients(p.lower, dp.lower, delta.lower));
    let key_quads = min(quads, (remaining + 3u) / 4u);
    for (var quad = 0u; quad < key_quads; quad++) {
      let quad_keys = subgroupShuffle(keys, quad);
      let g = strip_of_lane(ds, quad);
      for (var v = 0u; v < OUTPUT_VECTORS; v++) { gradients[v] = accumulated(gradients[v], block(key, at, quad_keys, safe_channels[v]), g); }
    }
    step += 4u * quads;
    if (step >= slots_end) { break; }
  }

  if (COUNTING > 0u) {
    let all = f32(subgroupAdd(multiplied));
    if (lane == 0u && group.z == 0u) { query_gradient[parameters.counts_before + id.y * groups.x + id.x] = vec4f(all); }
    return;
  }
  let first = (row_start * parameters.heads + head) * parameters.head_vectors;
  for (var v = 0u; v < OUTPUT_VECTORS; v++) {
    if (channels[v] < parameters.head_vectors) { store(gradients[v], first + channels[v], row_count); }
  }
}
