// Softmax cross-entropy, forward and backward at once: the share of each row in the mean loss, and the gradient of the logits.
// The mean is over all rows of a step, of which these may be a part.
//
//   loss_i = (log Σ_c exp z[i,c] - z[i, label_i]) / step_rows      dz[i,c] = (softmax(z_i)[c] - [c = label_i]) / step_rows
//
// Buffers (group 0)
//   logits            [rows, stride] f32, of which the first `classes` columns count
//   labels            [rows] u32
//   losses            [rows] f32
//   logits_gradient   [rows, stride] f32; 0 in the columns that do not count
// Grid                ceil(rows / 64), folded over x and y. An invocation owns one row.

struct Parameters {
  rows: u32,
  step_rows: u32,
  classes: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> logits_gradient: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.x + 64u * groups.x * id.y;
  if (row >= parameters.rows) { return; }
  let first = row * parameters.stride;
  var maximum = logits[first];
  for (var c = 1u; c < parameters.classes; c++) { maximum = max(maximum, logits[first + c]); }
  var sum = 0.0;
  for (var c = 0u; c < parameters.classes; c++) { sum += exp(logits[first + c] - maximum); }

  let label = labels[row];
  let share = 1.0 / f32(parameters.step_rows);
  losses[row] = (log(sum) - (logits[first + label] - maximum)) * share;
  for (var c = 0u; c < parameters.stride; c++) {
    var gradient = 0.0;
    if (c < parameters.classes) { gradient = exp(logits[first + c] - maximum) / sum; }
    if (c == label) { gradient -= 1.0; }
    logits_gradient[first + c] = gradient * share;
  }
}
