enable subgroups;
// What steers a subgroup is the same in all of its lanes, but the language only sees that lanes loaded it.
diagnostic(off, subgroup_uniformity);

// Linear layer, backward: the gradient of the input, dx = dy W, written or added to what stands there, by one subgroup a tile
// of 16 rows.
//
// Bindings (group 0)
//   output_gradient   texture [rows, outputs / 4] of vec4f (src/gpu/panels.ts)
//   weight            texture [outputs, inputs / 4] of vec4f
//   input_gradient    [rows, inputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(inputs / (8 · LANES)), ceil(rows / 16)). A workgroup owns 16 rows x 8 · LANES inputs.
// Invocations  one subgroup. A lane owns two vectors of inputs of every row, LANES vectors apart.
//
// Why so: see linear_forward_subgroup.wgsl.

const LANES = 8u; // of a subgroup, which is the whole workgroup: 4 or 8

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
  add: u32, // 1 adds to the gradient, 0 overwrites it
}

@group(0) @binding(0) var output_gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read_write> input_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

alias Matrix = texture_storage_2d<rgba32float, read>;

// A vector of inputs, or of outputs, of sixteen rows: a matrix column a row.
struct Tile { a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f }

fn from_lanes(v: vec4f, first: u32) -> mat4x4f {
  return mat4x4f(
    subgroupShuffle(v, first), subgroupShuffle(v, first + 1u),
    subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u),
  );
}
// Vector n of sixteen rows. Eight lanes load two rows each, four lanes four.
fn tile(m: Matrix, row: u32, n: u32) -> Tile {
  let a = textureLoad(m, vec2u(n, row));
  let b = textureLoad(m, vec2u(n, row + LANES));
  if (LANES >= 8u) { return Tile(from_lanes(a, 0u), from_lanes(a, 4u), from_lanes(b, 0u), from_lanes(b, 4u)); }
  let c = textureLoad(m, vec2u(n, row + 2u * LANES));
  let d = textureLoad(m, vec2u(n, row + 3u * LANES));
  return Tile(from_lanes(a, 0u), from_lanes(b, 0u), from_lanes(c, 0u), from_lanes(d, 0u));
}
// Four rows of a vector's column.
fn block(m: Matrix, row: u32, column: u32) -> mat4x4f {
  return mat4x4f(
    textureLoad(m, vec2u(column, row)), textureLoad(m, vec2u(column, row + 1u)),
    textureLoad(m, vec2u(column, row + 2u)), textureLoad(m, vec2u(column, row + 3u)),
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
fn accumulated(sum: Tile, block: mat4x4f, rows: Tile) -> Tile {
  return Tile(
    added_columns(sum.a, block, rows.a), added_columns(sum.b, block, rows.b),
    added_columns(sum.c, block, rows.c), added_columns(sum.d, block, rows.d),
  );
}

fn store_rows(first_row: u32, column: u32, m: mat4x4f) {
  let width = parameters.inputs / 4u;
  for (var i = 0u; i < 4u; i++) {
    if (first_row + i < parameters.rows) {
      let at = (first_row + i) * width + column;
      var before = vec4f();
      if (parameters.add != 0u) { before = input_gradient[at]; }
      input_gradient[at] = before + m[i];
    }
  }
}
fn store(first_row: u32, column: u32, sums: Tile) {
  if (column >= parameters.inputs / 4u) { return; }
  store_rows(first_row, column, sums.a);
  store_rows(first_row + 4u, column, sums.b);
  store_rows(first_row + 8u, column, sums.c);
  store_rows(first_row + 12u, column, sums.d);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let depth = parameters.outputs / 4u;
  let first_row = 16u * group.y;
  let left = 2u * LANES * group.x + lane;
  let right = left + LANES;

  var left_sums = Tile();
  var right_sums = Tile();
  for (var n = 0u; n < depth; n++) {
    let rows = tile(output_gradient, first_row + lane, n);
    left_sums = accumulated(left_sums, block(weight, 4u * n, left), rows);
    right_sums = accumulated(right_sums, block(weight, 4u * n, right), rows);
  }
  store(first_row, left, left_sums);
  store(first_row, right, right_sums);
}
