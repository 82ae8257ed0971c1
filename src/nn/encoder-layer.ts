import { type AttentionShape, recordBackward, recordForward } from '../attention/record.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import { recordLayerNorm, recordLayerNormBackward } from './layer-norm.js';
import { type LinearShape, recordLinear, recordLinearBackward } from './linear.js';
import { headDimOf } from './model-config.js';
import { type DropoutSite, dropoutAt, type Pass } from './pass.js';
import { recordActivation, recordDropout, recordGeluBackward } from './pointwise.js';
import { type LayerNames, type ModelFamily, tensorNames } from './tensor-names.js';

/** What a linear layer of the model reads and writes: its activations by their names in the workspace. */
interface LinearNames {
  /** Its parameters' name without `.weight` and `.bias`. */
  name: string;
  shape: LinearShape;
}

/**
 * One layer of the encoder, post-norm, of BERT as of DistilBERT (which has no first drop):
 *
 *     a = norm(x + drop(dense(attention(x))))      y = norm(a + drop(dense(gelu(dense(a)))))
 */
export class EncoderLayer {
  private readonly names: LayerNames;
  private input: GPUBuffer | undefined;

  constructor(
    family: ModelFamily,
    private readonly index: number,
  ) {
    this.names = tensorNames(family).layer(index);
  }

  /** Records the forward pass from `input` [tokens, hidden] and returns the output, of the same shape. */
  recordForward(pass: Pass, input: GPUBuffer): GPUBuffer {
    const { recorder, config, workspace, batch } = pass;
    this.input = input;
    for (const part of ['query', 'key', 'value'] as const) {
      this.linear(pass, this.projection(pass, part), input, this.kept(pass, part));
    }
    const context = this.kept(pass, 'context');
    recordForward(recorder, batch.plan, this.attentionShape(pass), {
      query: this.kept(pass, 'query'),
      key: this.kept(pass, 'key'),
      value: this.kept(pass, 'value'),
      output: context,
      logSumExp: this.kept(pass, 'log-sum-exp', config.heads),
      softmaxStatistics: this.kept(pass, 'softmax statistics', 2 * config.heads),
      biasTable: this.biasTable(pass),
    });
    const attended = workspace.floats('attended', batch.tokens * config.hidden);
    this.linear(pass, this.attentionOutput(pass), context, attended);
    const middle = this.addAndNorm(pass, 'attention output', attended, input);

    const wide = this.kept(pass, 'wide', config.feedForward);
    const activated = this.kept(pass, 'activated', config.feedForward);
    this.linear(pass, this.widening(pass), middle, wide);
    recordActivation(recorder, 'layers/gelu_forward', batch.tokens * config.feedForward, {
      input: wide,
      output: activated,
    });
    const narrowed = workspace.floats('narrowed', batch.tokens * config.hidden);
    this.linear(pass, this.narrowing(pass), activated, narrowed);
    return this.addAndNorm(pass, 'feed-forward output', narrowed, middle);
  }

  /**
   * Records, behind the forward pass, what this layer's attention makes of other values.
   * @param value [tokens, hidden], as `output`.
   */
  recordAttention(pass: Pass, value: GPUBuffer, output: GPUBuffer): void {
    recordForward(pass.recorder, pass.batch.plan, this.attentionShape(pass), {
      query: this.kept(pass, 'query'),
      key: this.kept(pass, 'key'),
      value,
      output,
      logSumExp: this.kept(pass, 'log-sum-exp', pass.config.heads),
      biasTable: this.biasTable(pass),
    });
  }

  /** What the last forward pass attended with: [tokens, hidden], and [tokens, heads]. */
  attended({ workspace }: Pick<Pass, 'workspace'>): Record<'query' | 'key' | 'logSumExp', GPUBuffer> {
    const existing = (name: string) => workspace.existing(`layer ${this.index} ${name}`);
    return { query: existing('query'), key: existing('key'), logSumExp: existing('log-sum-exp') };
  }

  /** The name of this layer's table of learned biases. */
  get tagBias(): string {
    return this.names.tagBias;
  }

  /**
   * Records the backward pass: the layer's parameter gradients, and the gradient of its input, which is returned. It
   * stands in `outputGradient` or in another buffer of the workspace.
   */
  recordBackward(pass: Pass, outputGradient: GPUBuffer): GPUBuffer {
    const { recorder, config, workspace, batch } = pass;
    const wideNumbers = batch.tokens * config.feedForward;
    const sumGradient = this.normBackward(pass, 'feed-forward output', outputGradient);
    const activatedGradient = workspace.floats('activated gradient', wideNumbers);
    const wideGradient = workspace.floats('wide gradient', wideNumbers);
    const narrowedGradient = this.dropped(pass, 'feed-forward output', sumGradient);
    this.linearBackward(
      pass,
      this.narrowing(pass),
      this.kept(pass, 'activated', config.feedForward),
      narrowedGradient,
      {
        gradient: activatedGradient,
        add: false,
      },
    );
    recordGeluBackward(recorder, wideNumbers, {
      input: this.kept(pass, 'wide', config.feedForward),
      outputGradient: activatedGradient,
      inputGradient: wideGradient,
    });
    const middle = this.kept(pass, 'attention output norm');
    // What came through the residual stands in sumGradient already; what came through the layers is added to it.
    this.linearBackward(pass, this.widening(pass), middle, wideGradient, {
      gradient: sumGradient,
      add: true,
    });

    const inputGradient = this.normBackward(pass, 'attention output', sumGradient);
    const contextGradient = workspace.floats('context gradient', batch.tokens * config.hidden);
    const attendedGradient = this.dropped(pass, 'attention output', inputGradient);
    this.linearBackward(pass, this.attentionOutput(pass), this.kept(pass, 'context'), attendedGradient, {
      gradient: contextGradient,
      add: false,
    });
    this.attentionBackward(pass, contextGradient);
    for (const part of ['query', 'key', 'value'] as const) {
      const gradient = workspace.floats(`${part} gradient`, batch.tokens * config.hidden);
      this.linearBackward(pass, this.projection(pass, part), this.input!, gradient, {
        gradient: inputGradient,
        add: true,
      });
    }
    return inputGradient;
  }

  private attentionBackward(pass: Pass, outputGradient: GPUBuffer): void {
    const { recorder, config, workspace, batch, parameters } = pass;
    const numbers = batch.tokens * config.hidden;
    const biasTable = this.biasTable(pass);
    recordBackward(recorder, batch.plan, this.attentionShape(pass), {
      query: this.kept(pass, 'query'),
      key: this.kept(pass, 'key'),
      value: this.kept(pass, 'value'),
      output: this.kept(pass, 'context'),
      logSumExp: this.kept(pass, 'log-sum-exp', config.heads),
      softmaxStatistics: this.kept(pass, 'softmax statistics', 2 * config.heads),
      outputGradient,
      queryGradient: workspace.floats('query gradient', numbers),
      keyGradient: workspace.floats('key gradient', numbers),
      valueGradient: workspace.floats('value gradient', numbers),
      ...(biasTable && { biasTable, biasGradient: parameters.gradient(this.names.tagBias) }),
    });
  }

  /** What strategy `learned` adds to the scores, where the model has learned it and the batch is read so. */
  private biasTable({ parameters, batch }: Pass): BufferSlice | undefined {
    return batch.plan.isLearned ? parameters.slice(this.names.tagBias) : undefined;
  }

  private attentionShape(pass: Pass): AttentionShape {
    const headDim = headDimOf(pass.config);
    const dropout = dropoutAt(pass, 'attention', this.index);
    return {
      heads: pass.config.heads,
      headDim,
      scale: 1 / Math.sqrt(headDim),
      layer: this.index,
      dropout,
    };
  }

  private projection({ config, batch }: Pass, part: 'query' | 'key' | 'value'): LinearNames {
    const shape = { rows: batch.tokens, inputs: config.hidden, outputs: config.hidden };
    return { name: this.names[part], shape };
  }

  private attentionOutput({ config, batch }: Pass): LinearNames {
    const shape = { rows: batch.tokens, inputs: config.hidden, outputs: config.hidden };
    return { name: this.names.attentionOutput, shape };
  }

  private widening({ config, batch }: Pass): LinearNames {
    const shape = { rows: batch.tokens, inputs: config.hidden, outputs: config.feedForward };
    return { name: this.names.widening, shape };
  }

  private narrowing({ config, batch }: Pass): LinearNames {
    const shape = { rows: batch.tokens, inputs: config.feedForward, outputs: config.hidden };
    return { name: this.names.narrowing, shape };
  }

  /** An activation of this layer that the backward pass reads, [tokens, width]. */
  private kept({ workspace, batch, config }: Pass, name: string, width = config.hidden): GPUBuffer {
    return workspace.floats(`layer ${this.index} ${name}`, batch.tokens * width);
  }

  private linear(
    { recorder, parameters, workspace }: Pass,
    { name, shape }: LinearNames,
    input: GPUBuffer,
    output: GPUBuffer,
  ): void {
    recordLinear(recorder, workspace, shape, {
      input,
      weight: parameters.slice(`${name}.weight`),
      bias: parameters.slice(`${name}.bias`),
      output,
    });
  }

  private linearBackward(
    { recorder, parameters, workspace }: Pass,
    { name, shape }: LinearNames,
    input: GPUBuffer,
    outputGradient: GPUBuffer,
    { gradient, add }: { gradient: GPUBuffer; add: boolean },
  ): void {
    const buffers = {
      input,
      weight: parameters.slice(`${name}.weight`),
      outputGradient,
      inputGradient: gradient,
      weightGradient: parameters.gradient(`${name}.weight`),
      biasGradient: parameters.gradient(`${name}.bias`),
    };
    recordLinearBackward(recorder, workspace, shape, buffers, add);
  }

  /** norm(residual + drop(input)) */
  private addAndNorm(pass: Pass, site: DropoutSite, input: GPUBuffer, residual: GPUBuffer): GPUBuffer {
    const { recorder, config, parameters, batch } = pass;
    const shape = { rows: batch.tokens, hidden: config.hidden };
    const sum = this.kept(pass, `${site} sum`);
    const output = this.kept(pass, `${site} norm`);
    recordDropout(recorder, shape, dropoutAt(pass, site, this.index), batch.positions, {
      input,
      residual,
      output: sum,
    });
    recordLayerNorm(recorder, shape, config.normEpsilon, {
      input: sum,
      weight: parameters.slice(`${this.normName(site)}.weight`),
      bias: parameters.slice(`${this.normName(site)}.bias`),
      output,
      statistics: this.kept(pass, `${site} statistics`, 2),
    });
    return output;
  }

  /** The gradient of the norm's input, which is also that of the residual. */
  private normBackward(pass: Pass, site: DropoutSite, outputGradient: GPUBuffer): GPUBuffer {
    const { recorder, config, parameters, batch, workspace } = pass;
    const inputGradient = workspace.floats(`${site} sum gradient`, batch.tokens * config.hidden);
    recordLayerNormBackward(
      recorder,
      workspace,
      { rows: batch.tokens, hidden: config.hidden },
      {
        input: this.kept(pass, `${site} sum`),
        weight: parameters.slice(`${this.normName(site)}.weight`),
        statistics: this.kept(pass, `${site} statistics`, 2),
        outputGradient,
        inputGradient,
        weightGradient: parameters.gradient(`${this.normName(site)}.weight`),
        biasGradient: parameters.gradient(`${this.normName(site)}.bias`),
      },
    );
    return inputGradient;
  }

  /** The gradient that came through the dropout of a site. */
  private dropped(pass: Pass, site: DropoutSite, gradient: GPUBuffer): GPUBuffer {
    const { recorder, config, batch, workspace } = pass;
    const dropout = dropoutAt(pass, site, this.index);
    if (!dropout) return gradient;
    const output = workspace.floats('dropped gradient', batch.tokens * config.hidden);
    recordDropout(recorder, { rows: batch.tokens, hidden: config.hidden }, dropout, batch.positions, {
      input: gradient,
      output,
    });
    return output;
  }

  private normName(site: DropoutSite): string {
    return site === 'attention output' ? this.names.attentionNorm : this.names.feedForwardNorm;
  }
}
