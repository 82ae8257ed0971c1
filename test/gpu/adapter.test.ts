import { expect, it } from 'vitest';
import { adapterName } from '../../src/gpu/adapter.js';

const LLVMPIPE = 'llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1';

it.each([
  ['gpu', 'nvidia', 'nvidia-h200', 'NVIDIA: 580.159.04 580.159.4.0', 'NVIDIA H200'],
  ['gpu', 'nvidia', 'nvidia-geforce-rtx-4090', 'NVIDIA: 570', 'NVIDIA GeForce RTX 4090'],
  [
    'gpu',
    'amd',
    'amd-radeon-rx-7900-xtx-radv-navi31-',
    'radv: Mesa 25',
    'AMD Radeon RX 7900 Xtx Radv NAVI31',
  ],
  ['gpu', 'apple', '', 'Metal driver on macOS', 'Metal driver on macOS'],
  ['gpu', 'intel', '', '', 'intel'],
  ['system software', 'mesa', 'llvmpipe-llvm-15-0-6-256-bits-', LLVMPIPE, LLVMPIPE],
  ['browser', '', '', '', 'browser'],
])(
  'an adapter has the name of its model, else of its driver: %s, %s, %s',
  (kind, vendor, device, description, name) => {
    expect(adapterName({ kind, vendor, device, description })).toBe(name);
  },
);
