enable subgroups;

// Linear layer, forward: y = x Wᵀ + b, by one subgroup a tile of 16 rows.
//
// Buffers (group 0)
//   input    [rows, inputs] f32, read as vec4f
//   weight   [outputs, inputs] f32, read as vec4f
//   bias     [outputs] f32, read as vec4f
//   output   [rows, outputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(outputs / (4 · LANES)), ceil(rows / 16)). A workgroup owns 16 rows x 4 · LANES outputs.
// Invocations  one subgroup. A lane owns 4 outputs of every row.
//
// Why so: where invocations share a core's vector unit (the software drivers), a load costs as much as forty multiply-adds,
// and a broadcast between lanes as much as one or two. So each number of the tile's rows is loaded by one lane and broadcast:
// eight loads and sixteen broadcasts of vectors for 256 multiply-adds a lane.

// Lanes of a subgroup, which is the whole workgroup: 4 or 8.
const LANES = 8u;

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
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

fn input_parts(at: vec4u, k: u32) -> Parts {
  let a = input[at.x + k];
  let c = input[at.z + k];
  if (LANES >= 8u) { return Parts(a, a, c, c); }
  return Parts(a, input[at.y + k], c, input[at.w + k]);
}
fn weight_block(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

// Columns of the block are rows of the output.
fn store(first_row: u32, column: u32, block: mat4x4f) {
  let width = parameters.outputs / 4u;
  if (column >= width) { return; }
  let b = bias[column];
  for (var i = 0u; i < 4u; i++) {
    if (first_row + i < parameters.rows) { output[(first_row + i) * width + column] = block[i] + b; }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let width = parameters.inputs / 4u;
  let first_row = 16u * group.y;
  let column = LANES * group.x + lane;
  let own_rows = first_row + lane + vec4u(0u, 4u, 8u, 12u);
  let own_at = min(own_rows, vec4u(parameters.rows - 1u)) * width;
  let weight_at = min(4u * column + vec4u(0u, 1u, 2u, 3u), vec4u(parameters.outputs - 1u)) * width;

  var sum_a = mat4x4f();
  var sum_b = mat4x4f();
  var sum_c = mat4x4f();
  var sum_d = mat4x4f();
  for (var k = 0u; k < width; k++) {
    let parts = input_parts(own_at, k);
    let block = transpose(weight_block(weight_at + k));
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
