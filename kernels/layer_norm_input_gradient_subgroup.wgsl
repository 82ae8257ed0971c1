enable subgroups;

// Layer norm, backward: the gradient of the input, by one subgroup a row. Formula: layer_norm_input_gradient.wgsl.
//
// Buffers (group 0)
//   input, output_gradient, input_gradient   [rows, hidden] f32, as vec4f
//   weight       [hidden] f32, read as vec4f: γ
//   statistics   [rows] vec2f: mean and r = 1 / √(variance + ε)
// Grid and invocations as in layer_norm_forward_subgroup.wgsl.

// Lanes of a subgroup, which is the whole workgroup.
const LANES = 8u;

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

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let first_row = 8u * (group.x + groups.x * group.y);
  for (var row = first_row; row < min(first_row + 8u, parameters.rows); row++) {
    let first = row * parameters.width;
    let mean = statistics[row].x;
    let reciprocal = statistics[row].y;
    var sums = vec2f();
    for (var c = lane; c < parameters.width; c += LANES) {
      let g = output_gradient[first + c] * weight[c];
      sums += vec2f(dot(g, vec4f(1.0)), dot(g, (input[first + c] - mean) * reciprocal));
    }
    let means = subgroupAdd(sums) / (4.0 * f32(parameters.width));
    for (var c = lane; c < parameters.width; c += LANES) {
      let g = output_gradient[first + c] * weight[c];
      let normal = (input[first + c] - mean) * reciprocal;
      input_gradient[first + c] = reciprocal * (g - means.x - normal * means.y);
    }
  }
}
