// Evidence that a command buffer ran: each that the engine submits counts itself with this kernel, and whoever reads a result
// back holds the count against the number of submits. A driver that drops a submit without an error leaves it short.
//
//   count ← count + 1
//
// Buffers (group 0)
//   count   u32
// Grid      1. One invocation.

@group(0) @binding(0) var<storage, read_write> count: u32;

@compute @workgroup_size(1)
fn main() {
  count += 1u;
}
