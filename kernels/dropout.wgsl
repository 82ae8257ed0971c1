// Dropout, and the sum with a residual: y = drop(x), or y = residual + drop(x). The backward pass is the same kernel: the
// mask is not stored but drawn again, from (stream, original token, channel), under any order of the tokens.
//
// Buffers (group 0)
//   input      [rows, hidden] f32, read as vec4f
//   residual   [rows, hidden] f32, read as vec4f; not looked at where `add` is 0
//   positions  u32: from number positions_at on, for each row the token's index in the caller's order
//   output     [rows, hidden] f32, as vec4f
// Grid         rows · hidden / 4 vectors in workgroups of 64, folded over x and y. An invocation owns one vector.

struct Parameters {
  rows: u32,
  width: u32, // hidden / 4
  add: u32,
  positions_at: u32,
  dropout_limit: u32, // the probability of dropping, times 2^32; 0 leaves dropout out
  dropout_scale: f32, // 1 / (1 - probability)
  dropout_stream: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> residual: array<vec4f>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

// A counter-based random word: a chain of 32-bit finalizers (constants: Wellons, hash-prospector, "lowbias32").
fn mixed(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  return h ^ (h >> 16u);
}
fn chained(chain: u32, word: u32) -> u32 { return mixed(chain + (word + 1u) * 0x9e3779b9u); }

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  let row = at / parameters.width;
  if (row >= parameters.rows) { return; }
  var result = input[at];
  if (parameters.dropout_limit > 0u) {
    let chain = chained(parameters.dropout_stream, positions[parameters.positions_at + row]);
    let channel = 4u * (at % parameters.width);
    let words = vec4u(
      chained(chain, channel), chained(chain, channel + 1u),
      chained(chain, channel + 2u), chained(chain, channel + 3u),
    );
    result *= select(vec4f(), vec4f(parameters.dropout_scale), words >= vec4u(parameters.dropout_limit));
  }
  if (parameters.add != 0u) { result += residual[at]; }
  output[at] = result;
}
