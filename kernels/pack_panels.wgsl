// Copies a matrix into a texture, panel by panel, and fills up each row of a panel with zeros.
//
// Buffers (group 0)
//   matrix   [rows, panel_count, width] f32, read as vec4f
//   panels   a texture: panel p begins at column floor(p / per_column) · vectors, row p % per_column · panel_rows, and of its
//            rows so many stand abreast
// Grid         (ceil(panel_count · vectors / 8), ceil(rows / 8)), the rows folded over y and z. An invocation owns one texel of one row.
// Invocations  8 x 8
//
// Why so: the driver itself copies faster, but only where the rows of a matrix are multiples of 256 bytes.

struct Parameters {
  rows: u32,
  panel_count: u32,
  width: u32, // vectors of a row of a panel
  vectors: u32, // texels of a row of a panel
  per_column: u32,
  abreast: u32,
  panel_rows: u32, // rows of the texture that a panel takes
}

@group(0) @binding(0) var<storage, read> matrix: array<vec4f>;
@group(0) @binding(1) var panels: texture_storage_2d<rgba32float, write>;
@group(1) @binding(0) var<uniform> parameters: Parameters;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let panel = id.x / parameters.vectors;
  let vector = id.x % parameters.vectors;
  let row = id.y + 8u * groups.y * id.z;
  if (panel >= parameters.panel_count || row >= parameters.rows) { return; }
  var texel = vec4f();
  if (vector < parameters.width) { texel = matrix[(row * parameters.panel_count + panel) * parameters.width + vector]; }
  let to = vec2u(panel / parameters.per_column * parameters.vectors, panel % parameters.per_column * parameters.panel_rows);
  textureStore(panels, to + vec2u(row % parameters.abreast * parameters.vectors + vector, row / parameters.abreast), texel);
}
