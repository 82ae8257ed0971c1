// y = tanh(x), as sign(x) · (1 - e) / (1 + e) with e = exp(-2|x|): e never overflows. For |x| < 0.6, where 1 - e would cancel,
// an odd polynomial: its coefficients are our own least-maximum fit in float64, its relative error is below 1.2 · 2⁻²⁴ in f32.
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

fn hyperbolic_tangent(x: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(x));
  let far = sign(x) * (1.0 - e) / (1.0 + e);
  let s = x * x;
  var near = vec4f(-5.90587114e-3);
  near = near * s + 2.08053880e-2;
  near = near * s - 5.37866850e-2;
  near = near * s + 1.33319583e-1;
  near = near * s - 3.33332993e-1;
  return select(far, x + x * s * near, abs(x) < vec4f(0.6));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  if (at >= parameters.vectors) { return; }
  output[at] = hyperbolic_tangent(input[at]);
}
