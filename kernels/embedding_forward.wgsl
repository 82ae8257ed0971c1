// Embeddings, forward: the sum of a token's word, position and, where the model has types, type embedding. Every token is of
// type 0.
//
// Buffers (group 0)
//   word      [vocabulary, hidden] f32, read as vec4f
//   position  [positions, hidden] f32, read as vec4f
//   kind      [types, hidden] f32, read as vec4f: the type embeddings; any buffer where there are none
//   ids       [2, tokens] u32: word ids, then positions
//   output    [tokens, hidden] f32, as vec4f
// Grid        tokens · hidden / 4 vectors in workgroups of 64, folded over x and y. An invocation owns one vector.

struct Parameters {
  tokens: u32,
  width: u32, // hidden / 4
  kinds: u32, // types; 0 where there are none
}

@group(0) @binding(0) var<storage, read> word: array<vec4f>;
@group(0) @binding(1) var<storage, read> position: array<vec4f>;
@group(0) @binding(2) var<storage, read> kind: array<vec4f>;
@group(0) @binding(3) var<storage, read> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  let token = at / parameters.width;
  if (token >= parameters.tokens) { return; }
  let column = at % parameters.width;
  let word_at = ids[token] * parameters.width + column;
  let position_at = ids[parameters.tokens + token] * parameters.width + column;
  var sum = word[word_at] + position[position_at];
  if (parameters.kinds > 0u) { sum += kind[column]; }
  output[at] = sum;
}
