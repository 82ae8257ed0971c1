// Adds one vector to another: the gradients of the batches that make up one step.
//
//   sum ← sum + addend
//
// Buffers (group 0)
//   addend   [vectors] vec4f
//   sum      [vectors] vec4f, in place
// Grid       vectors in workgroups of 64, folded over x and y. An invocation owns one vector.

struct Parameters {
  vectors: u32,
}

@group(0) @binding(0) var<storage, read> addend: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sum: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  if (at >= parameters.vectors) { return; }
  sum[at] += addend[at];
}
