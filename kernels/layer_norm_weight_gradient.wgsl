// Layer norm, backward: what each block of rows adds to the gradients of weight and bias. column_sums.wgsl adds up the blocks.
//
//   dγ = Σ dy · x̂     dβ = Σ dy     with x̂ = (x - mean) · r
//
// Buffers (group 0)
//   input, output_gradient   [rows, hidden] f32, read as vec4f
//   statistics               [rows] vec2f: mean and r
//   partial                  [blocks, 2, hidden] f32, as vec4f: sums for γ, then for β
// Grid   (ceil(hidden / 256), blocks), the blocks folded over y and z. An invocation owns one vector of one block.

struct Parameters {
  rows: u32,
  width: u32, // hidden / 4
  rows_per_block: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let column = id.x;
  let block = id.y + groups.y * id.z;
  let first = block * parameters.rows_per_block;
  if (column >= parameters.width || first >= parameters.rows) { return; }
  let end = min(first + parameters.rows_per_block, parameters.rows);
  var weight_sum = vec4f();
  var bias_sum = vec4f();
  for (var row = first; row < end; row++) {
    let at = row * parameters.width + column;
    let gradient = output_gradient[at];
    weight_sum += gradient * (input[at] - statistics[row].x) * statistics[row].y;
    bias_sum += gradient;
  }
  partial[2u * block * parameters.width + column] = weight_sum;
  partial[(2u * block + 1u) * parameters.width + column] = bias_sum;
}
