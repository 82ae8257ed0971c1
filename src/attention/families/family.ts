import type { Device } from '../../gpu/device.js';
import type { KernelConstants } from '../../gpu/kernel.js';
import type { Panels } from '../../gpu/panels.js';
import type { HeadLayout } from '../../plan/layout.js';
import type { TileConfig } from '../../plan/tiles.js';

/** The passes of attention, as the kernels' names have them. */
export type PassName = 'forward' | 'backward_query' | 'backward_key_value';

/** What a pass works on, as far as its kernels are made for it. */
export interface Pass {
  name: PassName;
  headDim: number;
  heads: Pick<HeadLayout, 'table' | 'bits'>;
  /** Whether anything depends on the positions of tokens in the text. */
  positional: boolean;
}

/** A family of attention kernels as one device runs it: all that the engine knows of it. */
export interface KernelFamily {
  /** Its folder in kernels/attention/, and what `TileConfig.family` of its plans is. */
  name: string;
  /** The tiles that its plans must have; fewer rows may be asked for. */
  tile: TileConfig;
  /** Rows of a tile with which it may be fastest. */
  heights: readonly number[];
  /** Whether its kernels read queries, keys, values and the output's gradient from textures. */
  readsPanels: boolean;
  /** Whether its grids count heads before tiles. @param panels Queries, where it reads textures. */
  countsHeadsFirst(panels: Panels | undefined): boolean;
  /** Constants of the kernel for tiles of several rows, beside those that all families have, and workgroups along z. */
  tilePass(pass: Pass): { constants: KernelConstants; depth: number };
  /** Constants of the kernel for rows that a tile has alone. */
  rowPass(pass: Pass): KernelConstants;
}

/** The family as a device runs it for a packed batch of `tokens` tokens; undefined where it does not. */
export type FamilyOnDevice = (device: Device, tokens: number) => KernelFamily | undefined;
