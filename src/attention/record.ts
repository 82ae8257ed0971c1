import { type Dropout, dropoutParameters } from '../base/random.js';
import type { KernelConstants, KernelName } from '../gpu/kernel.js';
import { type Panels, recordPanels } from '../gpu/panels.js';
import type { BufferSlice, Operand } from '../gpu/pipelines.js';
import type { Dispatch, Grid, Recorder } from '../gpu/recorder.js';
import { FORBIDDEN } from '../grammar/pair-table.js';
import type { HeadPlan } from '../plan/plan.js';
import { ALL_HEADS, type HeadWords, TILE_WORDS } from '../plan/plan-words.js';
import { isLone, type Tile } from '../plan/tiles.js';
import type { PassName } from './families/family.js';
import type { PlanBuffers } from './plan-buffers.js';

/** The shape of an attention; tokens come from the plan. */
export interface AttentionShape {
  heads: number;
  /** 16 to 128, a multiple of 4. */
  headDim: number;
  /** What scores are multiplied by: 1 / √headDim in transformers. */
  scale: number;
  /**
   * Where a plan has rules for the heads of several layers, which of them this is: its heads are numbers layer · heads to
   * layer · heads + heads - 1 of the plan's. 0 where left out.
   */
  layer?: number;
  dropout?: Dropout;
}

/** Buffers of the forward pass: [tokens, heads, headDim], and `logSumExp` [tokens, heads], in the plan's order. */
export interface ForwardBuffers {
  query: GPUBuffer;
  key: GPUBuffer;
  value: GPUBuffer;
  output: GPUBuffer;
  logSumExp: GPUBuffer;
  /**
   * Row maxima m and log l, [tokens, heads, 2], whose sum is `logSumExp`: what the backward pass computes probabilities from. Where
   * left out, the plan keeps those of its last forward pass; a backward pass that they do not belong to takes `logSumExp` instead,
   * which as one number loses accuracy where scores are large.
   */
  softmaxStatistics?: GPUBuffer;
  /** Biases of strategy `learned`, [heads, tags, tags] by query tag, then key tag. */
  biasTable?: GPUBuffer | BufferSlice;
}

/** Buffers of the backward pass: those of the forward pass, as it left them, and the gradients, in the same layout. */
export interface BackwardBuffers extends ForwardBuffers {
  outputGradient: GPUBuffer;
  queryGradient: GPUBuffer;
  keyGradient: GPUBuffer;
  valueGradient: GPUBuffer;
  /** Where given, and the plan is not dense: the gradient of the bias table, [heads, tags, tags]. */
  biasGradient?: GPUBuffer | BufferSlice;
}

type MatrixName = 'query' | 'key' | 'value' | 'output_gradient';

/** The kernel of one pass, and where its tiles stand among the words of a plan. */
interface PassKernel {
  name: PassName;
  tiles: (plan: HeadPlan) => readonly Tile[];
  words: (words: HeadWords) => { tiles_at: number; ranges_at: number };
  /** Where the pair table of its rows stands as bits. */
  bits: (words: HeadWords) => number;
}

const FORWARD: PassKernel = {
  name: 'forward',
  tiles: ({ queryTiles }) => queryTiles,
  words: ({ queryTilesAt, queryRangesAt }) => ({ tiles_at: queryTilesAt, ranges_at: queryRangesAt }),
  bits: ({ queryBitsAt }) => queryBitsAt,
};
const BACKWARD_QUERY: PassKernel = { ...FORWARD, name: 'backward_query' };
const BACKWARD_KEY_VALUE: PassKernel = {
  name: 'backward_key_value',
  tiles: ({ keyTiles }) => keyTiles,
  words: ({ keyTilesAt, keyRangesAt }) => ({ tiles_at: keyTilesAt, ranges_at: keyRangesAt }),
  bits: ({ keyBitsAt }) => keyBitsAt,
};

/** Records one attention over one plan, pass by pass. */
class AttentionRecorder {
  private readonly shared: Record<string, number>;

  /** @param counting Takes kernels that count the pairs they multiply, instead of computing anything. */
  constructor(
    private readonly recorder: Recorder,
    private readonly plan: PlanBuffers,
    private readonly shape: AttentionShape,
    private readonly counting: boolean,
  ) {
    const { heads, headDim, scale, dropout } = shape;
    const { positionsAt } = plan.words.at;
    this.shared = {
      heads,
      head_vectors: headDim / 4,
      scale,
      positions_at: positionsAt,
      ...dropoutParameters(dropout),
    };
  }

  /** The matrices as the family's kernels read them: buffers as they are, or copies in textures. */
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

  /** Makes a learned table the one that the kernels read. */
  learn(table: GPUBuffer | BufferSlice | undefined): void {
    const { plan, words } = this.plan;
    const { table: own } = plan.heads[0];
    if (!table || !own?.learned) return;
    const bytes = 4 * this.shape.heads * own.size ** 2;
    for (const { tableAt } of words.at.heads) {
      const to = { buffer: words.buffer, offset: 4 * tableAt };
      this.recorder.copy('buffer' in table ? table : { buffer: table }, to, bytes);
    }
  }

  /** Records a pass for every group of heads. @param constants What this pass wants beside what every pass does. */
  pass(kernel: PassKernel, buffers: Record<string, Operand>, constants: KernelConstants = {}): void {
    const { plan, words, family } = this.plan;
    const { headDim, dropout } = this.shape;
    const panels = family.readsPanels ? this.panels('query') : undefined;
    const turned = family.countsHeadsFirst(panels);
    plan.heads.forEach((headPlan, index) => {
      const pass = { name: kernel.name, headDim, heads: headPlan, placed: plan.placed };
      const tilePass = family.tilePass(pass);
      const { first, count } = this.headsOfLayer(headPlan);
      const tiles = kernel.tiles(headPlan);
      const lone = tiles.filter((tile) => isLone(tile, plan.shape)).length;
      const regular = tiles.length - lone;
      const shared = {
        constants: {
          ...(panels && { ABREAST: panels.abreast }),
          ...constants,
          DROPOUT: dropout ? 1 : 0,
        },
        buffers: { ...buffers, plan: words.buffer },
      };
      const gridOf = (workgroups: number, depth: number): Grid =>
        turned ? [count, workgroups, depth] : [workgroups, count, depth];
      const at = words.at.heads[index];
      const { tiles_at: tilesAt } = kernel.words(at);
      /** Tiles `from` to `to - 1`, those of lone rows last. */
      const record = (dispatch: Omit<Dispatch, 'grid'>, from: number, to: number, depth = 1) => {
        for (const { tile, length } of this.parts(from, to)) {
          const own = { tiles_at: tilesAt + TILE_WORDS * tile, counts_before: tile * count };
          const parameters = { ...dispatch.parameters, ...own };
          this.recorder.dispatch({ ...dispatch, parameters, grid: gridOf(length, depth) });
        }
      };
      const parameters = {
        ...this.shared,
        panel_rows: panels?.panelRows ?? 0,
        panel_vectors: panels?.vectors ?? 0,
        panels_per_column: panels?.perColumn ?? 0,
        heads_first: turned ? 1 : 0,
        ...this.sparseParameters(kernel, headPlan, at, first),
        ...kernel.words(at),
      };
      const ofStrips = {
        kernel: this.kernel(`${plan.kind}_${kernel.name}`),
        ...shared,
        constants: { ...tilePass.constants, ...shared.constants },
        parameters,
      };
      record(ofStrips, 0, regular, tilePass.depth);
      const ofRows = {
        kernel: this.kernel(`sparse_row_${kernel.name}`),
        ...shared,
        constants: { ...family.rowPass(pass), ...shared.constants },
        parameters,
      };
      record(ofRows, regular, tiles.length);
    });
  }

  private kernel(pass: string): KernelName {
    return `attention/${this.plan.family.name}/${pass}${this.counting ? '_counting' : ''}` as KernelName;
  }

  /** Tiles `from` to `to - 1` of a list, in parts of as many workgroups as a dimension of a grid has. */
  private parts(from: number, to: number): { tile: number; length: number }[] {
    const { mostWorkgroups } = this.recorder;
    return Array.from({ length: Math.ceil((to - from) / mostWorkgroups) }, (_, part) => {
      const tile = from + part * mostWorkgroups;
      return { tile, length: Math.min(mostWorkgroups, to - tile) };
    });
  }

  /** Which of the heads in a plan's ascending list are those of this layer: how many, from which on. */
  private headsOfLayer({ heads: listed }: HeadPlan): { first: number; count: number } {
    const { heads, layer = 0 } = this.shape;
    if (!listed) return { first: 0, count: heads };
    const first = listed.filter((head) => head < layer * heads).length;
    return { first, count: listed.filter((head) => Math.floor(head / heads) === layer).length };
  }

  private panels(name: string): Panels {
    return this.plan.panels(name, this.shape.heads, this.shape.headDim);
  }

  private sparseParameters(
    kernel: PassKernel,
    { table, bits }: HeadPlan,
    at: HeadWords,
    firstHead: number,
  ): Record<string, number> {
    if (!table) return {};
    const { plan, words } = this.plan;
    const { headsAt, tableAt } = at;
    const entries = table.size ** 2;
    const reachAt = tableAt + (table.learned ? this.shape.heads : 1) * entries;
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
      causal: plan.causal ? 1 : 0,
    };
  }
}

/** Records the forward pass: `output` and `logSumExp` are written. Rows that see no key get 0 and FORBIDDEN. */
export function recordForward(
  recorder: Recorder,
  plan: PlanBuffers,
  shape: AttentionShape,
  buffers: ForwardBuffers,
  counting = false,
): void {
  const { query, key, value, output, logSumExp } = buffers;
  const attention = new AttentionRecorder(recorder, plan, shape, counting);
  attention.learn(buffers.biasTable);
  attention.pass(FORWARD, {
    ...attention.operands({ query, key, value }),
    output,
    log_sum_exp: logSumExp,
    softmax_statistics: softmaxStatistics(plan, shape, buffers),
  });
}

/**
 * Records the backward pass: the gradients of queries, keys and values are written, and that of the bias table: for each
 * pair of tags the sum of dL/dS over all pairs of tokens that exist. With `dropout`, the stream must be that of the forward pass.
 */
export function recordBackward(
  recorder: Recorder,
  plan: PlanBuffers,
  shape: AttentionShape,
  buffers: BackwardBuffers,
  counting = false,
): void {
  const { query, key, value, outputGradient, queryGradient, keyGradient, valueGradient } = buffers;
  const attention = new AttentionRecorder(recorder, plan, shape, counting);
  attention.learn(buffers.biasTable);
  const statistics = recordStatistics(recorder, plan, shape, buffers);
  const inputs = {
    ...attention.operands({ query, key, value, output_gradient: outputGradient }),
    statistics,
  };
  const table = plan.plan.heads[0].table;
  const biasGradient = table && !counting ? buffers.biasGradient : undefined;
  const labelNumbers = biasGradient ? plan.plan.tokens * shape.heads * table!.size : 1;
  const labelGradients = table && plan.temporary(biasGradient ? 'label gradients' : 'nothing', labelNumbers);
  attention.pass(
    BACKWARD_QUERY,
    {
      ...inputs,
      query_gradient: queryGradient,
      ...(labelGradients && { label_gradients: labelGradients }),
    },
    table ? { BIAS_GRADIENT: biasGradient ? 1 : 0 } : {},
  );
  attention.pass(BACKWARD_KEY_VALUE, {
    ...inputs,
    key_gradient: keyGradient,
    value_gradient: valueGradient,
  });
  if (biasGradient) recordBiasGradient(recorder, plan, shape.heads, labelGradients!, biasGradient);
}

/** m and log l of every row: in the caller's buffer, or in the plan's. */
function softmaxStatistics(
  plan: PlanBuffers,
  { heads }: AttentionShape,
  { softmaxStatistics: given }: ForwardBuffers,
): GPUBuffer {
  return given ?? plan.temporary(`softmax statistics of ${heads} heads`, 2 * plan.plan.tokens * heads);
}

/** Records m, log l and Δ of every row, and returns them. */
function recordStatistics(
  recorder: Recorder,
  plan: PlanBuffers,
  shape: AttentionShape,
  buffers: BackwardBuffers,
): GPUBuffer {
  const { heads, headDim } = shape;
  const { output, outputGradient, logSumExp } = buffers;
  const rows = plan.plan.tokens * heads;
  const statistics = plan.temporary(`statistics of ${heads} heads`, 4 * rows);
  recorder.dispatch({
    kernel: 'attention/statistics',
    buffers: {
      output,
      output_gradient: outputGradient,
      log_sum_exp: logSumExp,
      softmax_statistics: softmaxStatistics(plan, shape, buffers),
      statistics,
    },
    parameters: { rows, head_vectors: headDim / 4 },
    grid: recorder.folded(Math.ceil(rows / 64)),
  });
  return statistics;
}

/** Records the sums of each row's label gradients over all rows of a tag: chunks first, then their sums, in a fixed order. */
function recordBiasGradient(
  recorder: Recorder,
  plan: PlanBuffers,
  heads: number,
  labelGradients: GPUBuffer,
  gradient: GPUBuffer | BufferSlice,
): void {
  const { buffer: chunks, count, chunksAt, tagsAt, entriesAt } = plan.chunks;
  const labels = plan.plan.heads[0].table!.size;
  const width = heads * labels;
  const partial = plan.temporary('sums of chunks', count * width);
  recorder.dispatch({
    kernel: 'attention/bias_chunks',
    buffers: { label_gradients: labelGradients, chunks, partial },
    parameters: { width, chunks_at: chunksAt, chunk_count: count },
    grid: recorder.foldedRows(Math.ceil(width / 64), count),
  });
  recorder.dispatch({
    kernel: 'attention/bias_gradient',
    buffers: { partial, chunks, gradient },
    parameters: { heads, label_count: labels, tags_at: tagsAt, entries_at: entriesAt },
    grid: recorder.folded(Math.ceil((width * labels) / 64)),
  });
}
