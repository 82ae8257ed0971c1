// Layer norm, backward: the gradient of the input.
//
//   x̂ = (x - mean) · r     g = γ · dy     dx = r · (g - mean(g) - x̂ · mean(g · x̂))     with r = 1 / √(variance + ε)
//
// Buffers (group 0)
//   input, output_gradient, input_gradient   [rows, hidden] f32, as vec4f
//   weight       [hidden] f32, read as vec4f: γ
//   statistics   [rows] vec2f: mean and r
// Grid and invocations as in layer_norm_forward.wgsl.

struct Parameters {
  rows: u32,
  width: u32, // hidden / 4
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> input_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

var<workgroup> partial: array<vec2f, 64>;

fn row_sum(mine: vec2f, local: vec3u) -> vec2f {
  workgroupBarrier();
  partial[8u * local.y + local.x] = mine;
  workgroupBarrier();
  var sum = vec2f();
  for (var x = 0u; x < 8u; x++) { sum += partial[8u * local.y + x]; }
  return sum;
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let row = 8u * (group.x + groups.x * group.y) + local.y;
  let safe_row = min(row, parameters.rows - 1u);
  let first = safe_row * parameters.width;
  let mean = statistics[safe_row].x;
  let reciprocal = statistics[safe_row].y;

  var sums = vec2f();
  for (var c = local.x; c < parameters.width; c += 8u) {
    let g = output_gradient[first + c] * weight[c];
    sums += vec2f(dot(g, vec4f(1.0)), dot(g, (input[first + c] - mean) * reciprocal));
  }
  let means = row_sum(sums, local) / (4.0 * f32(parameters.width));

  if (row >= parameters.rows) { return; }
  for (var c = local.x; c < parameters.width; c += 8u) {
    let g = output_gradient[first + c] * weight[c];
    let normal = (input[first + c] - mean) * reciprocal;
    input_gradient[first + c] = reciprocal * (g - means.x - normal * means.y);
  }
}
