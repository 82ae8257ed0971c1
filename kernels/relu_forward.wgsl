// y = max(x, 0).
//
// Buffers (group 0)
//   input, output   [vectors] vec4f
// Grid              vectors in workgroups of 64, folded over x and y. An invocation owns one vector.

struct Parameters {
  vectors: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  if (at >= parameters.vectors) { return; }
  output[at] = max(input[at], vec4f(0.0));
}
