// Sums of columns over blocks of rows: the gradient of a bias, and every other sum over tokens. Run twice, the second time
// over the sums of the first as one block, it adds up any number of rows in a fixed order.
//
//   output[block, c] = Σ input[r, c] over the rows r of the block
//
// Buffers (group 0)
//   input    [rows, row_stride] f32, of which columns input_at .. input_at + columns
//   output   [blocks, columns] f32, from number output_at on
// Grid       (ceil(columns / 64), blocks), the blocks folded over y and z. An invocation owns one column of one block.

struct Parameters {
  rows: u32,
  columns: u32,
  row_stride: u32,
  rows_per_block: u32,
  input_at: u32,
  output_at: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let column = id.x;
  let block = id.y + groups.y * id.z;
  let first = block * parameters.rows_per_block;
  if (column >= parameters.columns || first >= parameters.rows) { return; }
  let end = min(first + parameters.rows_per_block, parameters.rows);
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    sum += input[row * parameters.row_stride + parameters.input_at + column];
  }
  output[parameters.output_at + block * parameters.columns + column] = sum;
}
