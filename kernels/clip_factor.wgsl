// The norm of a gradient, second pass, and the factor that clips it (Pascanu et al. 2013, arXiv 1211.5063, as PyTorch's
// clip_grad_norm_ rounds it):
//
//   norm = √Σ partial      factor = min(1, largest / (norm + 1e-6))
//
// Buffers (group 0)
//   partial   [count] f32, from squared_sums.wgsl
//   clip      vec2f: norm and factor
// Grid        1. Invocations 64; then a tree over workgroup memory.

struct Parameters {
  count: u32,
  largest: f32, // the norm above which gradients are scaled down; 0 leaves them as they are
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> clip: vec2f;
@group(1) @binding(0) var<uniform> parameters: Parameters;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < parameters.count; i += 64u) { sum += partial[i]; }
  sums[local] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  if (local > 0u) { return; }
  let norm = sqrt(sums[0]);
  var factor = 1.0;
  if (parameters.largest > 0.0) { factor = min(1.0, parameters.largest / (norm + 1e-6)); }
  clip = vec2f(norm, factor);
}
