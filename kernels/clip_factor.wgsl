// The norm of a gradient, second pass, and the factor that clips it (Pascanu et al. 2013, arXiv 1211.5063, as PyTorch's
// clip_grad_norm_ rounds it):
//
//   norm = √Σ partial      factor = min(1, largest / (norm + 1e-6))
//
// Where the norm or the step's loss is not finite, the run is halted: the factor is -1 from this step on, and no step moves the
// parameters any more (adamw.wgsl). The host finds them as they were before, when it next reads the outcomes.
//
// Buffers (group 0)
//   partial    [count] f32, from squared_sums.wgsl
//   outcomes   f32: the loss of the step at `loss_at`; the norm goes to `norm_at`; 1 at `halted_at` once a run is halted
//   clip       vec2f: norm and factor
// Grid         1. Invocations 64; then a tree over workgroup memory.

struct Parameters {
  count: u32,
  loss_at: u32,
  norm_at: u32,
  halted_at: u32,
  largest: f32, // the norm above which gradients are scaled down; 0 leaves them as they are
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> outcomes: array<f32>;
@group(0) @binding(2) var<storage, read_write> clip: vec2f;
@group(1) @binding(0) var<uniform> parameters: Parameters;

var<workgroup> sums: array<f32, 64>;

// By its bits: a compiler may assume that arithmetic meets neither infinities nor NaN.
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }

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
  outcomes[parameters.norm_at] = norm;
  // The sum's own bits: what a square root makes of infinity is the driver's affair.
  if (!is_finite(sums[0]) || !is_finite(outcomes[parameters.loss_at])) { outcomes[parameters.halted_at] = 1.0; }
  var factor = 1.0;
  if (parameters.largest > 0.0) { factor = min(1.0, parameters.largest / (norm + 1e-6)); }
  if (outcomes[parameters.halted_at] != 0.0) { factor = -1.0; }
  clip = vec2f(norm, factor);
}
