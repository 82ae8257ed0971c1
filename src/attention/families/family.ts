import type { Device } from '../../gpu/device.js';
import type { KernelConstants } from '../../gpu/kernel.js';
import type { Panels } from '../../gpu/panels.js';
import type { HeadLayout } from '../../plan/layout.js';
import type { TileConfig } from '../../plan/tiles.js';

/** The passes of attention, as the kernels' names have them. */
export type PassName = 'forward' | 'backward_query' | 'backward_key_value';

/** The properties of a pass for which kernels are specialized. */
export interface Pass {
  name: PassName;
  headDim: number;
  heads: Pick<HeadLayout, 'table' | 'bits' | 'isFull'>;
  /** Whether any pair depends on the positions of its tokens in the text. */
  positional: boolean;
  /** The most rows of a tile of the plan, and whether its columns are always one range. */
  rows: number;
  oneRange?: boolean;
}

/** A family of attention kernels, as one device runs it. */
export interface KernelFamily {
  /** Its folder in kernels/attention/, and `TileConfig.family` of its plans. */
  name: string;
  /** The tiles of its plans, which may have fewer rows. */
  tile: TileConfig;
  /** The tiles of short texts, where they are expected to be faster. */
  shortTile: TileConfig;
  /** The tiles of the shortest texts in sparse plans where some pairs do not exist, if others than those of short texts. */
  shortestTile?: TileConfig;
  /** Rows of a tile that may be the fastest. */
  heights: readonly number[];
  /** Whether its kernels read queries, keys, values and the output's gradient from textures. */
  readsPanels: boolean;
  /** Whether its kernels round operands of products to f16. */
  roundsOperands?: boolean;
  /** Whether its grids count heads before work items. @param panels The queries, where it reads textures. */
  countsHeadsFirst(panels: Panels | undefined): boolean;
  /** Constants of the kernel, beside those of all families, and workgroups along z. */
  kernelOf(pass: Pass): { constants: KernelConstants; depth: number };
}

/** The family as a device runs it for a packed batch of `tokens` tokens; undefined where the device cannot. */
export type FamilyOnDevice = (device: Device, tokens: number) => KernelFamily | undefined;
