enable subgroups;
// What steers a subgroup is the same in all of its lanes, but the language only sees that lanes loaded it.
diagnostic(off, subgroup_uniformity);

// Linear layer, forward: y = x Wᵀ + b, by one subgroup a tile of 16 rows.
//
// Bindings (group 0)
//   input    texture [rows, inputs / 4] of vec4f (src/gpu/panels.ts)
//   weight   texture [outputs, inputs / 4] of vec4f
//   bias     [outputs] f32, read as vec4f
//   output   [rows, outputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(outputs / (8 · LANES)), ceil(rows / 16)). A workgroup owns 16 rows x 8 · LANES outputs.
// Invocations  one subgroup. A lane owns two vectors of outputs of every row, LANES vectors apart.
//
// Why so: where invocations share a core's vector unit (the software drivers), a load from a buffer costs as much as a hundred
// multiply-adds, one from a texture a third of it, and a shuffle between lanes as much as one or two. So matrices are copied to
// textures, each number of the tile's rows is loaded by one lane and shuffled to the others, and a weight serves 16 rows:
// ten loads and sixteen shuffles of vectors for 512 multiply-adds a lane.

const LANES = 8u; // of a subgroup, which is the whole workgroup: 4 or 8

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
}

@group(0) @binding(0) var input: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

alias Matrix = texture_storage_2d<rgba32float, read>;

// Four outputs, or a vector of inputs, of sixteen rows: a matrix column a row.
struct Tile { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }

fn from_lanes(v: vec4f, first: u32) -> mat4x4f {
  return mat4x4f(
    subgroupShuffle(v, first), subgroupShuffle(v, first + 1u),
    subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u),
  );
}
// Vector k of sixteen rows. Eight lanes load two rows each, four lanes four.
fn tile(m: Matrix, row: u32, k: u32) -> Tile {
  let a = textureLoad(m, vec2u(k, row));
  let b = textureLoad(m, vec2u(k, row + LANES));
  if (LANES >= 8u) { return Tile(from_lanes(a, 0u), from_lanes(a, 4u), from_lanes(b, 0u), from_lanes(b, 4u)); }
  let c = textureLoad(m, vec2u(k, row + 2u * LANES));
  let d = textureLoad(m, vec2u(k, row + 3u * LANES));
  return Tile(from_lanes(a, 0u), from_lanes(b, 0u), from_lanes(c, 0u), from_lanes(d, 0u));
}
fn block(m: Matrix, row: u32, k: u32) -> mat4x4f {
  return transpose(mat4x4f(
    textureLoad(m, vec2u(k, row)), textureLoad(m, vec2u(k, row + 1u)),
    textureLoad(m, vec2u(k, row + 2u)), textureLoad(m, vec2u(k, row + 3u)),
  ));
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
fn accumulated(sum: Tile, block: mat4x4f, rows: Tile) -> Tile {
  return Tile(
    added_columns(sum.a, block, rows.a), added_columns(sum.b, block, rows.b),
    added_columns(sum.c, block, rows.c), added_columns(sum.d, block, rows.d),
  );
}

fn store_rows(first_row: u32, column: u32, m: mat4x4f, b: vec4f) {
  let width = parameters.outputs / 4u;
  for (var i = 0u; i < 4u; i++) {
    if (first_row + i < parameters.rows) { output[(first_row + i) * width + column] = m[i] + b; }
  }
}
fn store(first_row: u32, column: u32, sums: Tile) {
  if (column >= parameters.outputs / 4u) { return; }
  let b = bias[column];
  store_rows(first_row, column, sums.a, b);
  store_rows(first_row + 4u, column, sums.b, b);
  store_rows(first_row + 8u, column, sums.c, b);
  store_rows(first_row + 12u, column, sums.d, b);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let width = parameters.inputs / 4u;
  let first_row = 16u * group.y;
  let left = 2u * LANES * group.x + lane;
  let right = left + LANES;

  var left_sums = Tile();
  var right_sums = Tile();
  for (var k = 0u; k < width; k++) {
    let rows = tile(input, first_row + lane, k);
    left_sums = accumulated(left_sums, block(weight, 4u * left, k), rows);
    right_sums = accumulated(right_sums, block(weight, 4u * right, k), rows);
  }
  store(first_row, left, left_sums);
  store(first_row, right, right_sums);
}
