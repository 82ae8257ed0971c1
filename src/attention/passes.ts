import { type Dropout, dropoutParameters } from '../base/random.js';
import type { Tensor } from '../gpu/buffers.js';
import type { KernelConstants, KernelName } from '../gpu/kernel.js';
import { type Panels, recordPanels } from '../gpu/panels.js';
import type { Operand } from '../gpu/pipelines.js';
import type { Dispatch, Grid, Recorder } from '../gpu/recorder.js';
import { FORBIDDEN } from '../grammar/pair-table.js';
import type { HeadLayout } from '../plan/layout.js';
import { ALL_HEADS, type HeadWords, TILE_WORDS } from '../plan/plan-words.js';
import { isGlobalToken, type Tile } from '../plan/tiles.js';
import type { DevicePlan } from './device-plan.js';
import type { PassName } from './families/family.js';

/** The configuration of an attention. Tokens come from the plan. */
export interface AttentionConfig {
  heads: number;
  /** 16 to 128, a multiple of 4. */
  headDim: number;
  /** The factor of the scores: 1 / √headDim in transformers. */
  scale: number;
  /**
   * The layer, where a plan has rules for the heads of several layers: it uses heads layer · heads to
   * layer · heads + heads - 1 of the plan. 0 by default.
   */
  layer?: number;
  dropout?: Dropout;
}

type MatrixName = 'query' | 'key' | 'value' | 'output_gradient';

/** The kernel of one pass, and the offsets of its tiles in a plan. */
export interface PassKernel {
  name: PassName;
  tiles: (plan: HeadLayout) => readonly Tile[];
  words: (words: HeadWords) => { tiles_at: number; ranges_at: number };
  /** The offset of the pair table of its rows, as bits. */
  bits: (words: HeadWords) => number;
}

export const FORWARD: PassKernel = {
  name: 'forward',
  tiles: ({ queryTiles }) => queryTiles,
  words: ({ queryTilesAt, queryRangesAt }) => ({ tiles_at: queryTilesAt, ranges_at: queryRangesAt }),
  bits: ({ queryBitsAt }) => queryBitsAt,
};
export const BACKWARD_QUERY: PassKernel = { ...FORWARD, name: 'backward_query' };
export const BACKWARD_KEY_VALUE: PassKernel = {
  name: 'backward_key_value',
  tiles: ({ keyTiles }) => keyTiles,
  words: ({ keyTilesAt, keyRangesAt }) => ({ tiles_at: keyTilesAt, ranges_at: keyRangesAt }),
  bits: ({ keyBitsAt }) => keyBitsAt,
};

/** Records one attention over one plan, pass by pass. */
export class AttentionRecorder {
  private readonly shared: Record<string, number>;

  /** @param counting Whether to run kernels that only count the pairs that they would multiply. */
  constructor(
    private readonly recorder: Recorder,
    private readonly plan: DevicePlan,
    private readonly config: AttentionConfig,
    private readonly counting: boolean,
  ) {
    const { heads, headDim, scale, dropout } = config;
    const { positionsAt } = plan.words.at;
    this.shared = {
      heads,
      head_vectors: headDim / 4,
      scale,
      positions_at: positionsAt,
      ...dropoutParameters(dropout),
    };
  }

  /** The matrices as the kernels of the family read them: buffers, or copies in textures. */
  operands(matrices: Readonly<Partial<Record<MatrixName, GPUBuffer>>>): Record<string, Operand> {
    if (!this.plan.family.readsPanels) return { ...matrices };
    const operands: Record<string, Operand> = {};
    for (const [name, buffer] of Object.entries(matrices)) {
      const panels = this.panels(name);
      recordPanels(this.recorder, { buffer }, panels);
      operands[name] = panels.texture;
    }
    return operands;
  }

  /** Copies a learned table into the plan. */
  learn(table: Tensor | undefined): void {
    const { layout, words } = this.plan;
    const { table: pairTable } = layout.heads[0];
    if (!table || !pairTable?.learned) return;
    const bytes = 4 * this.config.heads * pairTable.size ** 2;
    for (const { tableAt } of words.at.heads) {
      const to = { buffer: words.buffer, offset: 4 * tableAt };
      this.recorder.copy('buffer' in table ? table : { buffer: table }, to, bytes);
    }
  }

  /** Records a pass for every group of heads. @param constants Constants of this pass only. */
  pass(kernel: PassKernel, buffers: Record<string, Operand>, constants: KernelConstants = {}): void {
    const { layout, words, family } = this.plan;
    const { headDim, dropout } = this.config;
    const panels = family.readsPanels ? this.panels('query') : undefined;
    const headsFirst = family.countsHeadsFirst(panels);
    layout.heads.forEach((headLayout, index) => {
      const pass = { name: kernel.name, headDim, heads: headLayout, positional: layout.positional };
      const tilePass = family.tilePass(pass);
      const { first, count } = this.headsOfLayer(headLayout);
      const tiles = kernel.tiles(headLayout);
      const regular = tiles.filter((tile) => !isGlobalToken(tile, layout.tileConfig)).length;
      const shared = {
        ...(panels && { ABREAST: panels.abreast }),
        ...constants,
        DROPOUT: dropout ? 1 : 0,
      };
      const withPlan = { ...buffers, plan: words.buffer };
      const at = words.at.heads[index];
      const { tiles_at: tilesAt } = kernel.words(at);
      /** Records tiles `from` to `to - 1`. Tiles of global tokens are the last. */
      const record = (dispatch: Omit<Dispatch, 'grid'>, from: number, to: number, depth = 1) => {
        for (const { tile, length } of this.parts(from, to)) {
          const begin = { tiles_at: tilesAt + TILE_WORDS * tile, counts_before: tile * count };
          const parameters = { ...dispatch.parameters, ...begin };
          const grid: Grid = headsFirst ? [count, length, depth] : [length, count, depth];
          this.recorder.dispatch({ ...dispatch, parameters, grid });
        }
      };
      const parameters = {
        ...this.shared,
        panel_rows: panels?.panelRows ?? 0,
        panel_vectors: panels?.vectors ?? 0,
        panels_per_column: panels?.perColumn ?? 0,
        heads_first: headsFirst ? 1 : 0,
        ...this.sparseParameters(kernel, headLayout, at, first),
        ...kernel.words(at),
      };
      const dispatchOf = (name: string, ofFamily: KernelConstants) => {
        return {
          kernel: this.kernel(name),
          buffers: withPlan,
          constants: { ...ofFamily, ...shared },
          parameters,
        };
      };
      record(dispatchOf(`${layout.kind}_${kernel.name}`, tilePass.constants), 0, regular, tilePass.depth);
      record(dispatchOf(`sparse_row_${kernel.name}`, family.rowPass(pass)), regular, tiles.length);
    });
  }

  private kernel(pass: string): KernelName {
    return `attention/${this.plan.family.name}/${pass}${this.counting ? '_counting' : ''}` as KernelName;
  }

  /** Tiles `from` to `to - 1` of a list, in parts that fit a dimension of a grid. */
  private parts(from: number, to: number): { tile: number; length: number }[] {
    const { mostWorkgroups } = this.recorder;
    return Array.from({ length: Math.ceil((to - from) / mostWorkgroups) }, (_, part) => {
      const tile = from + part * mostWorkgroups;
      return { tile, length: Math.min(mostWorkgroups, to - tile) };
    });
  }

  /** The heads of this layer in a plan's ascending list: index of the first, and count. */
  private headsOfLayer({ heads: listed }: HeadLayout): { first: number; count: number } {
    const { heads, layer = 0 } = this.config;
    if (!listed) return { first: 0, count: heads };
    const first = listed.filter((head) => head < layer * heads).length;
    return { first, count: listed.filter((head) => Math.floor(head / heads) === layer).length };
  }

  private panels(name: string): Panels {
    return this.plan.panels(name, this.config.heads, this.config.headDim);
  }

  private sparseParameters(
    kernel: PassKernel,
    { table, bits }: HeadLayout,
    at: HeadWords,
    firstHead: number,
  ): Record<string, number> {
    if (!table) return {};
    const { layout, words } = this.plan;
    const { headsAt, tableAt } = at;
    const entries = table.size ** 2;
    const reachAt = tableAt + (table.learned ? this.config.heads : 1) * entries;
    return {
      heads_at: headsAt === ALL_HEADS ? ALL_HEADS : headsAt + firstHead,
      sentences_at: words.at.sentencesAt,
      labels_at: words.at.labelsAt,
      table_at: tableAt,
      reach_at: reachAt,
      bits_at: kernel.bits(at),
      table_stride: table.learned ? entries : 0,
      label_count: table.size,
      soft_bias: table.scopes?.beta ?? bits?.bias ?? 0,
      elsewhere: table.scopes?.elsewhere ?? FORBIDDEN,
      causal: layout.causal ? 1 : 0,
    };
  }
}
