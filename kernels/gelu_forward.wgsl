// GELU: y = x · Φ(x) = x · (1 + erf(x / √2)) / 2 (Hendrycks & Gimpel 2016, arXiv 1606.08415), the exact form that BERT uses.
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

// erf for |x| < 1: an odd polynomial. Beyond: 1 - exp(-x²) · Q(1 / (1 + 0.4 |x|)), the form of Abramowitz & Stegun 7.1.26.
// The coefficients are our own least-maximum fits in float64 over 0 .. 1 and 0.9 .. 4.2, below 6e-10 in absolute error; in f32
// the error stays below 2.1 · 2⁻²⁴. WGSL has no erf, and the formula with tanh is another function.
fn error_function(x: vec4f) -> vec4f {
  let s = x * x;
  var near = vec4f(7.64714545e-5);
  near = near * s - 7.94236603e-4;
  near = near * s + 5.17975087e-3;
  near = near * s - 2.68485922e-2;
  near = near * s + 1.12834301e-1;
  near = near * s - 3.76126060e-1;
  near = near * s + 1.12837916;
  let t = 1.0 / (1.0 + 0.4 * abs(x));
  var far = vec4f(-0.231539013);
  far = far * t + 0.839896392;
  far = far * t - 0.595435185;
  far = far * t + 0.670475778;
  far = far * t + 0.0614793709;
  far = far * t + 0.257800919;
  far = far * t - 0.00268767504;
  return select(sign(x) * (1.0 - exp(-s) * far), near * x, abs(x) < vec4f(1.0));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  if (at >= parameters.vectors) { return; }
  let x = input[at];
  output[at] = 0.5 * x * (1.0 + error_function(x * 0.70710678));
}
