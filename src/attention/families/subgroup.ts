import type { KernelConstants } from '../../gpu/kernel.js';
import { fitsPanels } from '../../gpu/panels.js';
import type { TileConfig } from '../../plan/tiles.js';
import type { FamilyOnDevice, KernelFamily, Pass } from './family.js';

type Lanes = 4 | 8;

/** The tiles by lanes of a subgroup. A lane holds a range, and four columns of a step. */
export const SUBGROUP_TILES: Readonly<Record<Lanes, TileConfig>> = {
  4: subgroupTile(4, [16, 8]),
  8: subgroupTile(8, [32, 16, 8]),
};

function subgroupTile(lanes: Lanes, steps: readonly number[]): TileConfig {
  return {
    family: 'subgroup',
    rows: 8,
    rowBlock: 8,
    steps,
    page: lanes,
    tileCost: 256,
    maskCost: 0.05,
  };
}

/** The most vectors of a row that a lane holds. */
const MOST_VECTORS = 4;

/** The widest head that any kernel runs, in numbers. */
const WIDEST_HEAD = 128;

/** Rows of sequences of at most SHORT_SPAN tokens have few columns. MANY_ROWS rows of all heads do not fit the first-level caches. */
const SHORT_SPAN = 256;
const MANY_ROWS = 1024;

/** POSITIONAL is 1 where the plan has scopes or is causal, and 2 where rules of these heads have scopes. */
function positionalConstants({ heads: { table }, positional: isPositional }: Pass): KernelConstants {
  if (!table) return {};
  return { POSITIONAL: table.scopes ? 2 : isPositional ? 1 : 0 };
}

function familyOf(lanes: Lanes): KernelFamily {
  /**
   * The vectors that hold a row of a table, one label a lane. A kernel that reads bits instead is the same for any number of labels;
   * only the one with the gradients of labels still reads the table.
   */
  const labelVectors = ({ name, heads: { table, bits } }: Pass): KernelConstants => {
    if (!table) return {};
    return { LABEL_VECTORS: bits && name !== 'backward_query' ? 1 : Math.ceil(table.size / lanes) };
  };
  const vectorsOf = (headDim: number) => Math.ceil(headDim / 4 / lanes);
  return {
    name: 'subgroup',
    tile: SUBGROUP_TILES[lanes],
    shortTile: SUBGROUP_TILES[lanes],
    heights: [8],
    readsPanels: true,
    // The heads of a token are side by side in memory, unless each head is a separate block. (256 sentences on lavapipe: 0.85 to
    // 0.9 of the time.)
    countsHeadsFirst: (panels) =>
      panels?.perColumn === 1 && panels.span <= SHORT_SPAN && panels.rows >= MANY_ROWS,
    kernelOf(pass) {
      const { table, bits } = pass.heads;
      const vectors = vectorsOf(pass.headDim);
      return {
        constants: {
          LANES: lanes,
          OUTPUT_VECTORS: Math.min(MOST_VECTORS, vectors),
          ...positionalConstants(pass),
          ...labelVectors(pass),
          ...(table && { LABEL_WORDS: bits?.words ?? 0, BIASED: bits && bits.bias !== 0 ? 1 : 0 }),
        },
        depth: Math.ceil(vectors / MOST_VECTORS),
      };
    },
  };
}

const FAMILIES: Readonly<Record<Lanes, KernelFamily>> = { 4: familyOf(4), 8: familyOf(8) };

/** Kernels that share work between the lanes of a subgroup of known size, where one head of the whole batch fits a texture. */
export const subgroupFamily: FamilyOnDevice = (device, tokens) => {
  const { lanes } = device;
  const head = { rows: tokens, panels: 1, width: WIDEST_HEAD, span: tokens, folds: true };
  return lanes && fitsPanels(device, head) ? FAMILIES[lanes] : undefined;
};
