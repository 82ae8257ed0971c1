// Layer norm, forward: y = γ · (x - mean) / √(variance + ε) + β over the last dimension (Ba et al. 2016, arXiv 1607.06450).
//
// Buffers (group 0)
//   input        [rows, hidden] f32, read as vec4f
//   weight       [hidden] f32, read as vec4f: γ
//   bias         [hidden] f32, read as vec4f: β
//   output       [rows, hidden] f32, as vec4f
//   statistics   [rows] vec2f: mean and 1 / √(variance + ε), for the backward pass
// Grid         ceil(rows / 8), folded over x and y. A workgroup owns 8 rows.
// Invocations  8 across x 8 down: eight share a row, so that neighbours read neighbouring vectors. Mean first, then the
//              squares of the differences from it: one pass over x and x² would cancel. A GPU's division is not exact, and far from
//              0 the mean's last place is no small share of the differences: their sum puts both right.

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

var<workgroup> partial: array<vec2f, 64>;

// The sums of two numbers from each of the eight invocations of a row.
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
  let first = min(row, parameters.rows - 1u) * parameters.width;
  let size = 4.0 * f32(parameters.width);

  var sum = 0.0;
  for (var c = local.x; c < parameters.width; c += 8u) { sum += dot(input[first + c], vec4f(1.0)); }
  let rough_mean = row_sum(vec2f(sum, 0.0), local).x / size;

  var differences = vec2f(); // from the rough mean: their sum, and that of their squares
  for (var c = local.x; c < parameters.width; c += 8u) {
    let difference = input[first + c] - rough_mean;
    differences += vec2f(dot(difference, vec4f(1.0)), dot(difference, difference));
  }
  let means = row_sum(differences, local) / size;
  let mean = rough_mean + means.x;
  let variance = max(means.y - means.x * means.x, 0.0);
  let reciprocal = 1.0 / sqrt(variance + parameters.epsilon);

  if (row >= parameters.rows) { return; }
  for (var c = local.x; c < parameters.width; c += 8u) {
    output[first + c] = (input[first + c] - mean) * reciprocal * weight[c] + bias[c];
  }
  if (local.x == 0u) { statistics[row] = vec2f(mean, reciprocal); }
}
