enable subgroups;
// What steers a subgroup is the same in all of its lanes, but the language only sees that lanes loaded it.
diagnostic(off, subgroup_uniformity);

// Linear layer, backward: the gradients of weight and bias, dW = dyᵀ x and db = Σ dy, by one subgroup a tile of 16 outputs.
//
// Bindings (group 0)
//   output_gradient   texture [rows, outputs / 4] of vec4f (src/gpu/panels.ts)
//   input             texture [rows, inputs / 4] of vec4f
//   weight_gradient   [outputs, inputs] f32, as vec4f
//   bias_gradient     [outputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(inputs / (8 · LANES)), ceil(outputs / 16)). A workgroup owns 16 outputs x 8 · LANES inputs and sums over all
//              rows: the order of the sum is fixed, no atomics. The first workgroup of a row of them has the bias as well.
// Invocations  one subgroup. A lane owns two vectors of inputs of every output, LANES vectors apart.
//
// Why so: see linear_forward_subgroup.wgsl.

const LANES = 8u; // of a subgroup, which is the whole workgroup: 4 or 8

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
}

@group(0) @binding(0) var output_gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var input: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read_write> weight_gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> bias_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const HIGH = select(0u, 4u, LANES >= 8u); // the lane from which eight lanes hold a second part

// Sixteen outputs of four rows: a matrix column a row in what is loaded, a column an output in what is summed.
struct Tile { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }

// What a lane loads of four rows of the output's gradient: of its own row one vector of each part, in eight lanes of every other.
struct Parts { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn parts(first_row: u32, vectors: vec4u, lane: u32) -> Parts {
  let row = first_row + lane % 4u;
  // Rows behind the last one are not the matrix's.
  let present = row < parameters.rows;
  let a = select(vec4f(), textureLoad(output_gradient, vec2u(vectors.x, row)), present);
  let c = select(vec4f(), textureLoad(output_gradient, vec2u(vectors.z, row)), present);
  if (LANES >= 8u) { return Parts(a, a, c, c); }
  let b = select(vec4f(), textureLoad(output_gradient, vec2u(vectors.y, row)), present);
  return Parts(a, b, c, select(vec4f(), textureLoad(output_gradient, vec2u(vectors.w, row)), present));
}
// Of a part: outputs as columns, four rows in each.
fn outputs_of_lanes(v: vec4f, first: u32) -> mat4x4f {
  return transpose(mat4x4f(
    subgroupShuffle(v, first), subgroupShuffle(v, first + 1u),
    subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u),
  ));
}
fn tile(p: Parts) -> Tile {
  return Tile(outputs_of_lanes(p.a, 0u), outputs_of_lanes(p.b, HIGH), outputs_of_lanes(p.c, 0u), outputs_of_lanes(p.d, HIGH));
}
fn block(row: u32, column: u32) -> mat4x4f {
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(parameters.rows - 1u));
  return mat4x4f(
    textureLoad(input, vec2u(column, rows.x)), textureLoad(input, vec2u(column, rows.y)),
    textureLoad(input, vec2u(column, rows.z)), textureLoad(input, vec2u(column, rows.w)),
  );
}

// sum + block · v, four products first: a quarter of the roundings are of the sum's size.
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
fn accumulated(sum: Tile, block: mat4x4f, outputs: Tile) -> Tile {
  return Tile(
    added_columns(sum.a, block, outputs.a), added_columns(sum.b, block, outputs.b),
    added_columns(sum.c, block, outputs.c), added_columns(sum.d, block, outputs.d),
  );
}

fn store_outputs(first_output: u32, column: u32, m: mat4x4f) {
  let width = parameters.inputs / 4u;
  if (column >= width || first_output >= parameters.outputs) { return; }
  for (var i = 0u; i < 4u; i++) { weight_gradient[(first_output + i) * width + column] = m[i]; }
}
fn store(first_output: u32, column: u32, sums: Tile) {
  store_outputs(first_output, column, sums.a);
  store_outputs(first_output + 4u, column, sums.b);
  store_outputs(first_output + 8u, column, sums.c);
  store_outputs(first_output + 12u, column, sums.d);
}
fn store_bias(vector: u32, sum: vec4f, lane: u32) {
  var total = sum + subgroupShuffleXor(sum, 1u);
  total += subgroupShuffleXor(total, 2u);
  if (lane % 4u == 0u && vector < parameters.outputs / 4u) { bias_gradient[vector] = total; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let vectors = 4u * group.y + lane / 4u + vec4u(0u, 1u, 2u, 3u);
  let left = 2u * LANES * group.x + lane;
  let right = left + LANES;

  var left_sums = Tile();
  var right_sums = Tile();
  var bias_sums = Parts();
  for (var first_row = 0u; first_row < parameters.rows; first_row += 4u) {
    let loaded = parts(first_row, vectors, lane);
    bias_sums = Parts(bias_sums.a + loaded.a, bias_sums.b + loaded.b, bias_sums.c + loaded.c, bias_sums.d + loaded.d);
    let outputs = tile(loaded);
    left_sums = accumulated(left_sums, block(first_row, left), outputs);
    right_sums = accumulated(right_sums, block(first_row, right), outputs);
  }
  store(16u * group.y, left, left_sums);
  store(16u * group.y, right, right_sums);
  if (group.x == 0u) {
    store_bias(vectors.x, bias_sums.a, lane);
    store_bias(vectors.z, bias_sums.c, lane);
    if (LANES < 8u) {
      store_bias(vectors.y, bias_sums.b, lane);
      store_bias(vectors.w, bias_sums.d, lane);
    }
  }
}
