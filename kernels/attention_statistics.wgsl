// What the backward kernels need to know of each row: L, the log-sum-exp, and Δ = dO · O.
//
//   Σ_j P[i,j] dP[i,j] = dO_i · O_i, with dropout too (Dao et al. 2022, arXiv 2205.14135, equation 4 of appendix B.2)
//
// Buffers (group 0)
//   output, output_gradient   [tokens, heads, headDim] f32, read as vec4f
//   log_sum_exp               [tokens, heads] f32
//   statistics                [tokens, heads] vec2f: L and Δ
// Grid   tokens · heads rows in workgroups of 64, folded over x and y. An invocation owns one row of one head.

struct Parameters {
  rows: u32, // tokens · heads
  head_vectors: u32, // headDim / 4
}

@group(0) @binding(0) var<storage, read> output: array<vec4f>;
@group(0) @binding(1) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read> log_sum_exp: array<f32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<vec2f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = 64u * (group.x + groups.x * group.y) + local;
  if (row >= parameters.rows) { return; }
  let first = row * parameters.head_vectors;
  var delta = 0.0;
  for (var d = 0u; d < parameters.head_vectors; d++) {
    delta += dot(output[first + d], output_gradient[first + d]);
  }
  statistics[row] = vec2f(log_sum_exp[row], delta);
}
