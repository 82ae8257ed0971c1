// Linear layer, backward: the gradient of the input, dx = dy W, written or added to what stands there.
//
// Buffers (group 0)
//   output_gradient   [rows, outputs] f32, read as vec4f
//   weight            [outputs, inputs] f32, read as vec4f
//   input_gradient    [rows, inputs] f32, as vec4f
//   inputs and outputs are multiples of 4.
// Grid         (ceil(inputs / 64), ceil(rows / 64)), the rows folded over y and z. A workgroup owns a 64 x 64 tile of the gradient.
// Invocations  8 x 8, each with 8 rows x 8 inputs in registers, as in linear_forward.wgsl.

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

fn gradient_block(at: vec4u) -> mat4x4f {
  return mat4x4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]);
}
fn weight_block(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

fn store_vector(row: u32, column: u32, sum: vec4f) {
  if (row >= parameters.rows) { return; }
  let at = row * (parameters.inputs / 4u) + column;
  var before = vec4f();
  if (parameters.add != 0u) { before = input_gradient[at]; }
  input_gradient[at] = before + sum;
}
// Columns of the block are rows of the gradient.
fn store(rows: vec4u, column: u32, block: mat4x4f) {
  if (column >= parameters.inputs / 4u) { return; }
  store_vector(rows.x, column, block[0]);
  store_vector(rows.y, column, block[1]);
  store_vector(rows.z, column, block[2]);
  store_vector(rows.w, column, block[3]);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let width = parameters.inputs / 4u;
  let depth = parameters.outputs / 4u;
  let offsets = vec4u(0u, 1u, 2u, 3u);
  let upper = 8u * (id.y + 8u * groups.y * id.z) + offsets;
  let lower = upper + 4u;
  let last_row = vec4u(parameters.rows - 1u);
  let upper_at = min(upper, last_row) * depth;
  let lower_at = min(lower, last_row) * depth;
  let left = min(2u * id.x, width - 1u);
  let right = min(2u * id.x + 1u, width - 1u);

  var upper_left = mat4x4f();
  var upper_right = mat4x4f();
  var lower_left = mat4x4f();
  var lower_right = mat4x4f();
  for (var n = 0u; n < depth; n++) {
    let upper_gradient = gradient_block(upper_at + n);
    let lower_gradient = gradient_block(lower_at + n);
    let weight_rows = (4u * n + offsets) * width;
    let left_weight = weight_block(weight_rows + left);
    let right_weight = weight_block(weight_rows + right);
    upper_left += left_weight * upper_gradient;
    lower_left += left_weight * lower_gradient;
    upper_right += right_weight * upper_gradient;
    lower_right += right_weight * lower_gradient;
  }
  store(upper, 2u * id.x, upper_left);
  store(upper, 2u * id.x + 1u, upper_right);
  store(lower, 2u * id.x, lower_left);
  store(lower, 2u * id.x + 1u, lower_right);
}
