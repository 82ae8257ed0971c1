// The square of a vector's norm, first pass: sums of squares over blocks, in a fixed order.
//
// Buffers (group 0)
//   input     [vectors] vec4f
//   partial   [first_group + blocks] f32
// Grid        a workgroup for each block of `vectors_per_group` consecutive vectors, folded over x and y.
// Invocations 64, each with every 64th vector of the block; then a tree over workgroup memory.

struct Parameters {
  vectors: u32,
  vectors_per_group: u32,
  first_group: u32, // where in `partial` the first block is written
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let block = group.x + groups.x * group.y;
  let first = block * parameters.vectors_per_group;
  if (first >= parameters.vectors) { return; }
  let end = min(first + parameters.vectors_per_group, parameters.vectors);
  var sum = 0.0;
  for (var i = first + local; i < end; i += 64u) { sum += dot(input[i], input[i]); }
  sums[local] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  if (local == 0u) { partial[parameters.first_group + block] = sums[0]; }
}
