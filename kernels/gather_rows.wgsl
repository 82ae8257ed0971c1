// Gathers rows: output row i is input row index[i], or zeros where index[i] is 0xffffffff. With an order it permutes, with
// the places of [CLS] it pools, with the inverse of either it is its own backward pass.
//
// Buffers (group 0)
//   input    [input rows, width · 4] f32, read as vec4f
//   index    u32: from number index_at on, one for each output row
//   output   [rows, width · 4] f32, as vec4f
// Grid       rows · width vectors in workgroups of 64, folded over x and y. An invocation owns one vector.

struct Parameters {
  rows: u32,
  width: u32,
  index_at: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

const NO_ROW = 0xffffffffu;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  let row = at / parameters.width;
  if (row >= parameters.rows) { return; }
  let source = index[parameters.index_at + row];
  var gathered = vec4f();
  if (source != NO_ROW) { gathered = input[source * parameters.width + at % parameters.width]; }
  output[at] = gathered;
}
