import { type Dropout, dropoutParameters } from '../base/random.js';
import { asSlice, type Tensor } from '../gpu/buffers.js';
import type { KernelConstants, KernelName } from '../gpu/kernel.js';
import { planWordNames as W } from '../gpu/kernel-sources.generated.js';
import { type Panels, recordPanels } from '../gpu/panels.js';
import type { Operand } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { FORBIDDEN } from '../grammar/pair-table.js';
import type { HeadLayout } from '../plan/layout.js';
import type { DevicePlan, HeadWords, PassWords } from './device-plan.js';
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

/** The kernel of one pass. */
export interface PassKernel {
  name: PassName;
  words: (words: HeadWords) => PassWords;
  /** The offset of the pair table of its rows, as bits. */
  bits: (words: HeadWords) => number;
  /** The buffers that it writes, [tokens, heads, numbers], with their numbers. */
  outputs: (headDim: number, labels: number) => Record<string, number>;
}

export const FORWARD: PassKernel = {
  name: 'forward',
  words: ({ query }) => query,
  bits: ({ queryBitsAt }) => queryBitsAt,
  outputs: (headDim) => ({ output: headDim, log_sum_exp: 1, softmax_statistics: 2 }),
};
export const BACKWARD_QUERY: PassKernel = {
  ...FORWARD,
  name: 'backward_query',
  outputs: (headDim, labels) => ({ query_gradient: headDim, label_gradients: labels }),
};
export const BACKWARD_KEY_VALUE: PassKernel = {
  name: 'backward_key_value',
  words: ({ key }) => key,
  bits: ({ keyBitsAt }) => keyBitsAt,
  outputs: (headDim) => ({ key_gradient: headDim, value_gradient: headDim }),
};

/** Records one attention over one plan, pass by pass. */
export class AttentionRecorder {
  /** @param counting Whether to run kernels that only count the pairs that they would multiply. */
  constructor(
    private readonly recorder: Recorder,
    private readonly plan: DevicePlan,
    private readonly config: AttentionConfig,
    private readonly counting: boolean,
  ) {}

  /** The matrices as the kernels of the family read them: buffers, or copies in textures. */
  operands(matrices: Readonly<Partial<Record<MatrixName, Tensor>>>): Record<string, Operand> {
    if (!this.plan.family.readsPanels) return { ...matrices };
    const operands: Record<string, Operand> = {};
    for (const [name, matrix] of Object.entries(matrices)) {
      const panels = this.panels(name);
      recordPanels(this.recorder, asSlice(matrix), panels);
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
      this.recorder.copy(asSlice(table), to, bytes);
    }
  }

  /**
   * Records a pass for every group of heads with the same pair table: a dispatch over (item, head), and where tiles are split a second one
   * that combines their parts.
   * @param constants Constants of this pass only. @param labels Labels of which the gradients are wanted, or 0.
   */
  pass(
    kernel: PassKernel,
    buffers: Record<string, Operand>,
    constants: KernelConstants = {},
    labels = 0,
  ): void {
    const { layout, words, family } = this.plan;
    const { heads, headDim, dropout } = this.config;
    const panels = family.readsPanels ? this.panels('query') : undefined;
    const headsFirst = family.countsHeadsFirst(panels);
    const { rows, oneRange } = layout.tileConfig;
    layout.heads.forEach((headLayout, index) => {
      const { positional } = layout;
      const request = { name: kernel.name, headDim, heads: headLayout, positional, rows, oneRange };
      const specialized = family.kernelOf(request);
      const { first, count } = this.headsOfLayer(headLayout);
      const at = words.at.heads[index];
      const { itemsAt, items, parts } = kernel.words(at);
      const partial: Record<string, GPUBuffer> = {};
      const operands: Record<string, Operand> = { plan: words.buffer, ...buffers };
      if (parts && !this.counting) {
        for (const [name, numbers] of Object.entries(kernel.outputs(headDim, labels))) {
          if (numbers === 0) continue;
          partial[name] = this.plan.temporary(`partial ${name}`, parts.rows * heads * numbers);
          operands[name] = partial[name];
        }
      }
      const parameters = this.parameters(kernel, headLayout, at, first, panels);
      const dispatch = {
        kernel: this.kernel(`${layout.kind}_${kernel.name}`),
        buffers: operands,
        constants: {
          DROPOUT: dropout ? 1 : 0,
          ...(panels && { ABREAST: panels.abreast }),
          ...constants,
          ...specialized.constants,
        },
        parameters,
      };
      for (const { item, length } of this.dispatches(items)) {
        parameters.items_at = itemsAt + W.ITEM_WORDS * item;
        parameters.counts_before = item * count;
        this.recorder.dispatch({
          grid: headsFirst ? [count, length, specialized.depth] : [length, count, specialized.depth],
          ...dispatch,
        });
      }
      if (parts && !this.counting) {
        const heads_at = at.headsAt === W.ALL_HEADS ? W.ALL_HEADS : at.headsAt + first;
        this.combine(kernel, buffers, partial, { listed_heads: count, heads_at, parts_at: parts.at });
      }
    });
  }

  /** Records the sums over the parts of split tiles. */
  private combine(
    kernel: PassKernel,
    buffers: Record<string, Operand>,
    partial: Record<string, GPUBuffer>,
    listed: { listed_heads: number; heads_at: number; parts_at: number },
  ): void {
    const { heads, headDim } = this.config;
    const { tokens, heads: plans } = this.plan.layout;
    const plan = this.plan.words.buffer;
    const record = (name: KernelName, operands: Record<string, Operand>, width: number) =>
      this.recorder.dispatch({
        kernel: name,
        buffers: { plan, ...operands },
        parameters: { tokens, heads, width, ...listed },
        grid: this.recorder.folded(Math.ceil((tokens * listed.listed_heads * width) / 64)),
      });
    if (kernel.name === 'forward') {
      const { output: partial_output, softmax_statistics: partial_statistics } = partial;
      const { output, log_sum_exp, softmax_statistics } = buffers;
      const operands = { partial_output, partial_statistics, output, log_sum_exp, softmax_statistics };
      record('attention/combine_forward', operands, headDim / 4);
      return;
    }
    const widths = kernel.outputs(headDim, plans[0].table?.size ?? 0);
    for (const [name, buffer] of Object.entries(partial))
      record('attention/combine_sums', { partial: buffer, total: buffers[name] }, widths[name]);
  }

  private kernel(pass: string): KernelName {
    return `attention/${this.plan.family.name}/${pass}${this.counting ? '_counting' : ''}` as KernelName;
  }

  /** Items in parts that fit a dimension of a grid. */
  private dispatches(items: number): { item: number; length: number }[] {
    const { mostWorkgroups } = this.recorder;
    return Array.from({ length: Math.ceil(items / mostWorkgroups) }, (_, part) => {
      const item = part * mostWorkgroups;
      return { item, length: Math.min(mostWorkgroups, items - item) };
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

  /** The parameters of a pass; those of an item are 0. */
  private parameters(
    kernel: PassKernel,
    { table, bits }: HeadLayout,
    at: HeadWords,
    firstHead: number,
    panels: Panels | undefined,
  ): Record<string, number> {
    const { layout, words, family } = this.plan;
    const { heads, headDim, scale, dropout } = this.config;
    const { dropout_limit, dropout_scale, dropout_stream } = dropoutParameters(dropout);
    const dense = {
      heads,
      head_vectors: headDim / 4,
      scale,
      positions_at: words.at.positionsAt,
      dropout_limit,
      dropout_scale,
      dropout_stream,
      ranges_at: kernel.words(at).rangesAt,
      panel_rows: panels?.panelRows ?? 0,
      panel_vectors: panels?.vectors ?? 0,
      panels_per_column: panels?.perColumn ?? 0,
      heads_first: family.countsHeadsFirst(panels) ? 1 : 0,
      items_at: 0,
      counts_before: 0,
    };
    if (!table) return dense;
    const { headsAt, tableAt } = at;
    const entries = table.size ** 2;
    return {
      heads_at: headsAt === W.ALL_HEADS ? W.ALL_HEADS : headsAt + firstHead,
      sentences_at: words.at.sentencesAt,
      labels_at: words.at.labelsAt,
      table_at: tableAt,
      reach_at: tableAt + (table.learned ? heads : 1) * entries,
      bits_at: kernel.bits(at),
      table_stride: table.learned ? entries : 0,
      label_count: table.size,
      soft_bias: table.scopes?.beta ?? bits?.bias ?? 0,
      elsewhere: table.scopes?.elsewhere ?? FORBIDDEN,
      causal: layout.causal ? 1 : 0,
      // In V8, fields after a spread object would take microseconds each.
      ...dense,
    };
  }
}
