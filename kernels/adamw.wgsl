// AdamW, one step over all parameters (Loshchilov & Hutter 2019, arXiv 1711.05101, as PyTorch writes it):
//
//   g = factor · gradient     p ← p · (1 - rate · decay)     m ← β₁ m + (1 - β₁) g     v ← β₂ v + (1 - β₂) g²
//   p ← p - rate / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
//
// where learned biases may have a rate of their own. A negative factor says that the run is halted: nothing is updated.
//
// Buffers (group 0)
//   gradient      [vectors] vec4f
//   clip          vec2f: norm and factor (clip_factor.wgsl)
//   parameter, first_moment, second_moment   [vectors] vec4f, in place
// Grid            vectors in workgroups of 64, folded over x and y. An invocation owns one vector.
//
// The parameters that decay stand in front of those that do not, and learned biases behind them, in one piece. The 1 - βs come from the host: 1 - 0.999 has only twelve
// good bits in f32. Where both moments stay 0 (the embeddings of pieces that no batch has had), they are not written: most of a
// vocabulary's rows, early in a run.

struct Parameters {
  vectors: u32,
  decayed_vectors: u32,
  first_bias_vector: u32,
  end_of_bias_vectors: u32,
  rate: f32,
  bias_rate: f32,
  decay: f32,
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
  correction1: f32, // 1 / (1 - β₁ᵗ)
  correction2: f32, // 1 / √(1 - β₂ᵗ)
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> clip: vec2f;
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> first_moment: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> second_moment: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  if (at >= parameters.vectors || clip.y < 0.0) { return; }
  var p = parameter[at];
  if (at < parameters.decayed_vectors) { p -= parameters.rate * parameters.decay * p; }
  let g = gradient[at] * clip.y;
  let m = parameters.beta1 * first_moment[at] + parameters.one_minus_beta1 * g;
  let v = parameters.beta2 * second_moment[at] + parameters.one_minus_beta2 * g * g;
  if (any(m != vec4f()) || any(v != vec4f())) {
    first_moment[at] = m;
    second_moment[at] = v;
    let is_bias = at >= parameters.first_bias_vector && at < parameters.end_of_bias_vectors;
    let rate = select(parameters.rate, parameters.bias_rate, is_bias);
    p -= rate * parameters.correction1 * m / (sqrt(v) * parameters.correction2 + parameters.epsilon);
  }
  parameter[at] = p;
}
