enable subgroups;

// Layer norm, forward, by one subgroup a row. Formula and buffers: layer_norm_forward.wgsl.
//
// Buffers (group 0)
//   input        [rows, hidden] f32, read as vec4f
//   weight       [hidden] f32, read as vec4f: γ
//   bias         [hidden] f32, read as vec4f: β
//   output       [rows, hidden] f32, as vec4f
//   statistics   [rows] vec2f: mean and 1 / √(variance + ε), for the backward pass
// Grid         ceil(rows / 8), folded over x and y. A workgroup owns 8 rows, one after another.
// Invocations  one subgroup, whose lanes share a row: its sums are sums over lanes, without memory and without a barrier, which
//              cost the software drivers more than the arithmetic.

// Lanes of a subgroup, which is the whole workgroup.
const LANES = 8u;

struct Parameters {
  rows: u32,
  width: u32, // hidden / 4
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let first_row = 8u * (group.x + groups.x * group.y);
  let size = 4.0 * f32(parameters.width);
  for (var row = first_row; row < min(first_row + 8u, parameters.rows); row++) {
    let first = row * parameters.width;
    var sum = 0.0;
    for (var c = lane; c < parameters.width; c += LANES) { sum += dot(input[first + c], vec4f(1.0)); }
    let mean = subgroupAdd(sum) / size;

    var squares = 0.0;
    for (var c = lane; c < parameters.width; c += LANES) {
      let difference = input[first + c] - mean;
      squares += dot(difference, difference);
    }
    let reciprocal = 1.0 / sqrt(subgroupAdd(squares) / size + parameters.epsilon);

    for (var c = lane; c < parameters.width; c += LANES) {
      output[first + c] = (input[first + c] - mean) * reciprocal * weight[c] + bias[c];
    }
    if (lane == 0u) { statistics[row] = vec2f(mean, reciprocal); }
  }
}
