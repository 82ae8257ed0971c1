// Linear layer, backward: the gradient of the weight, dW = dyᵀ x.
//
// Buffers (group 0)
//   output_gradient   [rows, outputs] f32, read as vec4f
//   input             [rows, inputs] f32, read as vec4f
//   weight_gradient   [shares, outputs, inputs] f32, as vec4f: the sum over each share of the rows
//   inputs and outputs are multiples of 4.
// Grid         (ceil(inputs / 64), ceil(outputs / 64), shares). A workgroup owns a 64 x 64 tile of one share's gradient and sums
//              over its rows: the order of the sum is fixed, no atomics. More shares than one are for GPUs: the gradient of a
//              small weight has a handful of tiles, which keep a handful of multiprocessors busy for as long as there are rows.
// Invocations  8 x 8, each with 8 outputs x 8 inputs in registers, as in linear_forward.wgsl.

struct Parameters {
  rows: u32,
  inputs: u32,
  outputs: u32,
  rows_per_share: u32, // a multiple of 4
}

@group(0) @binding(0) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> weight_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

fn input_block(at: vec4u) -> mat4x4f { return mat4x4f(input[at.x], input[at.y], input[at.z], input[at.w]); }

// Four rows of the output's gradient; rows behind the share's last one count as 0.
fn gradient_block(at: vec4u, present: vec4f) -> mat4x4f {
  return mat4x4f(
    output_gradient[at.x] * present.x, output_gradient[at.y] * present.y,
    output_gradient[at.z] * present.z, output_gradient[at.w] * present.w,
  );
}

// Columns of the block are outputs.
fn store(share: u32, first_output: u32, column: u32, block: mat4x4f) {
  let width = parameters.inputs / 4u;
  if (column >= width || first_output >= parameters.outputs) { return; }
  let at = (share * parameters.outputs + first_output) * width + column;
  weight_gradient[at] = block[0];
  weight_gradient[at + width] = block[1];
  weight_gradient[at + 2u * width] = block[2];
  weight_gradient[at + 3u * width] = block[3];
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let width = parameters.inputs / 4u;
  let depth = parameters.outputs / 4u;
  let left = min(2u * id.x, width - 1u);
  let right = min(2u * id.x + 1u, width - 1u);
  let upper = min(2u * id.y, depth - 1u);
  let lower = min(2u * id.y + 1u, depth - 1u);

  var upper_left = mat4x4f();
  var upper_right = mat4x4f();
  var lower_left = mat4x4f();
  var lower_right = mat4x4f();
  let begin = id.z * parameters.rows_per_share;
  let end = min(begin + parameters.rows_per_share, parameters.rows);
  for (var first = begin; first < end; first += 4u) {
    let wanted = first + vec4u(0u, 1u, 2u, 3u);
    let present = vec4f(wanted < vec4u(end));
    let rows = min(wanted, vec4u(end - 1u));
    let upper_gradient = transpose(gradient_block(rows * depth + upper, present));
    let lower_gradient = transpose(gradient_block(rows * depth + lower, present));
    let left_input = input_block(rows * width + left);
    let right_input = input_block(rows * width + right);
    upper_left += left_input * upper_gradient;
    lower_left += left_input * lower_gradient;
    upper_right += right_input * upper_gradient;
    lower_right += right_input * lower_gradient;
  }
  store(id.z, 8u * id.y, 2u * id.x, upper_left);
  store(id.z, 8u * id.y, 2u * id.x + 1u, upper_right);
  store(id.z, 8u * id.y + 4u, 2u * id.x, lower_left);
  store(id.z, 8u * id.y + 4u, 2u * id.x + 1u, lower_right);
}
