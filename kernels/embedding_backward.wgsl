// Embeddings, backward: each row of a table that occurs in the batch gets the sum of its tokens' gradients.
//
// A scatter without atomics: the host groups the batch's tokens by table row, an invocation owns one vector of one row and
// adds its tokens in their order. Rows that do not occur are left as they are; whoever needs zeros there clears first.
//
// Buffers (group 0)
//   output_gradient   [tokens, hidden] f32, read as vec4f
//   groups_of_rows    u32: for each occurring row its number (rows of them), where its list of tokens begins (rows + 1 of
//                     them), then the lists one behind another
//   table_gradient    [table rows, hidden] f32, as vec4f
// Grid                rows · hidden / 4 vectors in workgroups of 64, folded over x and y.

struct Parameters {
  rows: u32, // rows that occur
  width: u32, // hidden / 4
}

@group(0) @binding(0) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> groups_of_rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> table_gradient: array<vec4f>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = 64u * (group.x + groups.x * group.y) + local;
  let index = at / parameters.width;
  if (index >= parameters.rows) { return; }
  let column = at % parameters.width;
  let starts = parameters.rows;
  let lists = 2u * parameters.rows + 1u;
  let end = groups_of_rows[starts + index + 1u];
  var sum = vec4f();
  for (var i = groups_of_rows[starts + index]; i < end; i++) {
    sum += output_gradient[groups_of_rows[lists + i] * parameters.width + column];
  }
  table_gradient[groups_of_rows[index] * parameters.width + column] = sum;
}
