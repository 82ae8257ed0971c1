// The adapter's bandwidth: a copy of vectors, one an invocation. For `parsimony bench limits`.
//
// Buffers (group 0)
//   input, output   [count] vec4f
// Grid        ceil(count / 64), folded over x and y; with a count of 0, a dispatch that does nothing
// Invocations 64
//
// Why so: neighbouring invocations read neighbouring vectors, which every GPU joins to whole cache lines.

struct Parameters {
  count: u32,
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
  let at = (group.y * groups.x + group.x) * 64u + local;
  if (at < parameters.count) { output[at] = input[at]; }
}
