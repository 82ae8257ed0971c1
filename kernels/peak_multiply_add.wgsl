// The adapter's multiply-add rate: chains of fused multiply-adds that touch no memory. For `parsimony bench limits`.
//
// Buffers (group 0)
//   output   [invocations] f32: the sums, so that no compiler may leave them out
// Grid        any number of workgroups along x; each invocation does `rounds` x 8 x 4 multiply-adds
// Invocations 64
//
// Why so: a multiply-add waits for the one before it in its own chain. Eight chains of vec4f fill the wait on every adapter
// seen; with one chain lavapipe reaches a third of this.

struct Parameters {
  rounds: u32,
  factor: f32,
  addend: f32,
}

@group(0) @binding(0) var<storage, read_write> output: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = vec4f(parameters.factor);
  let addend = vec4f(parameters.addend);
  var a = vec4f(f32(id.x));
  var b = a + 1.0;
  var c = a + 2.0;
  var d = a + 3.0;
  var e = a + 4.0;
  var f = a + 5.0;
  var g = a + 6.0;
  var h = a + 7.0;
  for (var round = 0u; round < parameters.rounds; round++) {
    a = fma(a, factor, addend);
    b = fma(b, factor, addend);
    c = fma(c, factor, addend);
    d = fma(d, factor, addend);
    e = fma(e, factor, addend);
    f = fma(f, factor, addend);
    g = fma(g, factor, addend);
    h = fma(h, factor, addend);
  }
  if (id.x < arrayLength(&output)) {
    output[id.x] = dot(a + b + c + d + e + f + g + h, vec4f(1.0));
  }
}
