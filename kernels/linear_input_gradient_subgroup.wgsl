enable subgroups;

// Linear layer, backward: the gradient of the input, dx = dy W, written or added to what stands there, by one subgroup a tile
// of 16 rows.
//
// Buffers (group 0)
//   output_gradient   [rows, outputs] f32, read as vec4f
//   weight            [outputs, inputs] f32, read as vec4f
//   input_gradient    [rows, inputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(inputs / (4 · LANES)), ceil(rows / 16)). A workgroup owns 16 rows x 4 · LANES inputs.
// Invocations  one subgroup. A lane owns 4 inputs of every row. The reasons stand in linear_forward_subgroup.wgsl.

// Lanes of a subgroup, which is the whole workgroup: 4 or 8.
const LANES = 8u;

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
  add: u32, // 1 adds to the gradient, 0 overwrites it
}

@group(0) @binding(0) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> input_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

// Sixteen rows of the tile come in four parts of four. Eight lanes load two parts at a time, four lanes one; a part's first
// lane is 0 for the first and third part, and HIGH for the others.
const HIGH = select(0u, 4u, LANES >= 8u);
struct Parts { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn low(v: vec4f) -> mat4x4f {
  return mat4x4f(subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u), subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u));
}
fn high(v: vec4f) -> mat4x4f {
  return mat4x4f(
    subgroupBroadcast(v, HIGH), subgroupBroadcast(v, HIGH + 1u),
    subgroupBroadcast(v, HIGH + 2u), subgroupBroadcast(v, HIGH + 3u),
  );
}

fn gradient_parts(at: vec4u, n: u32) -> Parts {
  let a = output_gradient[at.x + n];
  let c = output_gradient[at.z + n];
  if (LANES >= 8u) { return Parts(a, a, c, c); }
  return Parts(a, output_gradient[at.y + n], c, output_gradient[at.w + n]);
}
fn weight_block(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

// Columns of the block are rows of the gradient.
fn store(first_row: u32, column: u32, block: mat4x4f) {
  let width = parameters.inputs / 4u;
  if (column >= width) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (first_row + i < parameters.rows) {
      let at = (first_row + i) * width + column;
      var before = vec4f();
      if (parameters.add != 0u) { before = input_gradient[at]; }
      input_gradient[at] = before + block[i];
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let width = parameters.inputs / 4u;
  let depth = parameters.outputs / 4u;
  let first_row = 16u * group.y;
  let column = LANES * group.x + lane;
  let own_rows = first_row + lane + vec4u(0u, 4u, 8u, 12u);
  let own_at = min(own_rows, vec4u(parameters.rows - 1u)) * depth;
  let safe_column = min(column, width - 1u);

  var sum_a = mat4x4f();
  var sum_b = mat4x4f();
  var sum_c = mat4x4f();
  var sum_d = mat4x4f();
  for (var n = 0u; n < depth; n++) {
    let parts = gradient_parts(own_at, n);
    let block = weight_block((4u * n + vec4u(0u, 1u, 2u, 3u)) * width + safe_column);
    sum_a += block * low(parts.a);
    sum_b += block * high(parts.b);
    sum_c += block * low(parts.c);
    sum_d += block * high(parts.d);
  }
  store(first_row, column, sum_a);
  store(first_row + 4u, column, sum_b);
  store(first_row + 8u, column, sum_c);
  store(first_row + 12u, column, sum_d);
}
