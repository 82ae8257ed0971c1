// Linear layer, forward: y = x Wᵀ + b.
//
// Buffers (group 0)
//   input    [rows, inputs] f32, read as vec4f
//   weight   [outputs, inputs] f32, read as vec4f
//   bias     [outputs] f32, read as vec4f
//   output   [rows, outputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(outputs / 64), ceil(rows / 64)), the rows folded over y and z. A workgroup owns a 64 x 64 tile of the output.
// Invocations  8 x 8, each with 8 rows x 8 outputs in registers: 256 multiply-adds for 16 vector loads.
//
// Why so: with four matrices of accumulators an invocation does four multiply-adds for every number it loads; a 4 x 4 tile
// does two. Neighbouring invocations read the same rows, which caches serve; no workgroup memory, no barriers.

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

fn input_block(at: vec4u) -> mat4x4f { return mat4x4f(input[at.x], input[at.y], input[at.z], input[at.w]); }
fn weight_block(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

// Columns of the block are rows of the output.
fn store(rows: vec4u, column: u32, block: mat4x4f) {
  let width = parameters.outputs / 4u;
  if (column >= width) { return; }
  let b = bias[column];
  if (rows.x < parameters.rows) { output[rows.x * width + column] = block[0] + b; }
  if (rows.y < parameters.rows) { output[rows.y * width + column] = block[1] + b; }
  if (rows.z < parameters.rows) { output[rows.z * width + column] = block[2] + b; }
  if (rows.w < parameters.rows) { output[rows.w * width + column] = block[3] + b; }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let width = parameters.inputs / 4u;
  let offsets = vec4u(0u, 1u, 2u, 3u);
  let upper = 8u * (id.y + 8u * groups.y * id.z) + offsets;
  let lower = upper + 4u;
  let left = 8u * id.x + offsets;
  let right = left + 4u;
  let last_row = vec4u(parameters.rows - 1u);
  let last_output = vec4u(parameters.outputs - 1u);
  let upper_at = min(upper, last_row) * width;
  let lower_at = min(lower, last_row) * width;
  let left_at = min(left, last_output) * width;
  let right_at = min(right, last_output) * width;

  var upper_left = mat4x4f();
  var upper_right = mat4x4f();
  var lower_left = mat4x4f();
  var lower_right = mat4x4f();
  for (var k = 0u; k < width; k++) {
    let upper_input = input_block(upper_at + k);
    let lower_input = input_block(lower_at + k);
    let left_weight = transpose(weight_block(left_at + k));
    let right_weight = transpose(weight_block(right_at + k));
    upper_left += left_weight * upper_input;
    lower_left += left_weight * lower_input;
    upper_right += right_weight * upper_input;
    lower_right += right_weight * lower_input;
  }
  store(upper, left.x / 4u, upper_left);
  store(upper, right.x / 4u, upper_right);
  store(lower, left.x / 4u, lower_left);
  store(lower, right.x / 4u, lower_right);
}
