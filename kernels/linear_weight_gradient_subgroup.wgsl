enable subgroups;

// Linear layer, backward: the gradient of the weight, dW = dyᵀ x, by one subgroup a tile of 16 outputs.
//
// Buffers (group 0)
//   output_gradient   [rows, outputs] f32, read as vec4f
//   input             [rows, inputs] f32, read as vec4f
//   weight_gradient   [outputs, inputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(inputs / (4 · LANES)), ceil(outputs / 16)). A workgroup owns 16 outputs x 4 · LANES inputs and sums over all
//              rows: the order of the sum is fixed, no atomics.
// Invocations  one subgroup. A lane owns 4 inputs of every output. The reasons stand in linear_forward_subgroup.wgsl.

// Lanes of a subgroup, which is the whole workgroup: 4 or 8.
const LANES = 8u;

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
}

@group(0) @binding(0) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> weight_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

// Sixteen outputs of the tile come in four parts of four. Eight lanes load two parts at a time, four lanes one; a part's first
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

// The part's four outputs of one of four rows: lane i of a part loads row i. Rows behind the last one count as 0.
fn gradient_parts(at: u32, vectors: vec4u, present: f32) -> Parts {
  let a = output_gradient[at + vectors.x] * present;
  let c = output_gradient[at + vectors.z] * present;
  if (LANES >= 8u) { return Parts(a, a, c, c); }
  return Parts(a, output_gradient[at + vectors.y] * present, c, output_gradient[at + vectors.w] * present);
}
fn input_block(at: vec4u) -> mat4x4f { return mat4x4f(input[at.x], input[at.y], input[at.z], input[at.w]); }

// Columns of the block are outputs.
fn store(first_output: u32, column: u32, block: mat4x4f) {
  let width = parameters.inputs / 4u;
  if (column >= width || first_output >= parameters.outputs) { return; }
  for (var i = 0u; i < 4u; i++) { weight_gradient[(first_output + i) * width + column] = block[i]; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let width = parameters.inputs / 4u;
  let depth = parameters.outputs / 4u;
  let first_output = 16u * group.y;
  let column = LANES * group.x + lane;
  let safe_column = min(column, width - 1u);
  let own_vectors = min(4u * group.y + lane / 4u + vec4u(0u, 1u, 2u, 3u), vec4u(depth - 1u));
  let offsets = vec4u(0u, 1u, 2u, 3u);

  var sum_a = mat4x4f();
  var sum_b = mat4x4f();
  var sum_c = mat4x4f();
  var sum_d = mat4x4f();
  for (var first = 0u; first < parameters.rows; first += 4u) {
    let own_row = first + lane % 4u;
    let present = select(0.0, 1.0, own_row < parameters.rows);
    let parts = gradient_parts(min(own_row, parameters.rows - 1u) * depth, own_vectors, present);
    let block = input_block(min(first + offsets, vec4u(parameters.rows - 1u)) * width + safe_column);
    sum_a += block * transpose(low(parts.a));
    sum_b += block * transpose(high(parts.b));
    sum_c += block * transpose(low(parts.c));
    sum_d += block * transpose(high(parts.d));
  }
  store(first_output, column, sum_a);
  store(first_output + 4u, column, sum_b);
  store(first_output + 8u, column, sum_c);
  store(first_output + 12u, column, sum_d);
}
