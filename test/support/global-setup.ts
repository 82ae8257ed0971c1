import { embedKernels } from '../../scripts/embed-kernels.mjs';

export default function setup(): void {
  embedKernels();
}
