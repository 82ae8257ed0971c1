import {
  type ClassifierActivations,
  recordClassifierHead,
  recordClassifierHeadBackward,
} from './classifier-head.js';
import { type MlmActivations, recordMlmHead, recordMlmHeadBackward } from './mlm-head.js';
import { paddedOutputs } from './model-config.js';
import type { Pass } from './pass.js';
import { recordGather } from './pointwise.js';

/** Saved activations of the head of a task. */
export interface HeadActivations {
  /** [rows, hidden], the encoder's output at the tokens of rows: [CLS], or the masked tokens. */
  gathered: GPUBuffer;
  /** [rows, padded outputs], in blocks of `logitsBlock` columns. */
  logits: GPUBuffer;
  classifier?: ClassifierActivations;
  mlm?: MlmActivations;
}

/**
 * Records the head of the model's task. Logits are computed of the batch's rows alone, not of all tokens.
 * @param hidden [tokens, hidden], the encoder's output.
 */
export function recordHead(pass: Pass, hidden: GPUBuffer): HeadActivations {
  const { recorder, config, batch, workspace } = pass;
  const rows = { rows: batch.rows, hidden: config.hidden };
  const gathered = workspace.floats('gathered', rows.rows * rows.hidden);
  const logits = workspace.floats('logits', batch.rows * paddedOutputs(config));
  recordGather(recorder, rows, { input: hidden, index: batch.outputTokens, output: gathered });
  if (config.task === 'mlm') return { gathered, logits, mlm: recordMlmHead(pass, gathered, logits) };
  return { gathered, logits, classifier: recordClassifierHead(pass, gathered, logits) };
}

/** Records the head's backward pass. @returns The gradient of the encoder's output, [tokens, hidden]. */
export function recordHeadBackward(
  pass: Pass,
  { gathered, classifier, mlm }: HeadActivations,
  logitsGradient: GPUBuffer,
): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const { hidden } = config;
  const gradient = mlm
    ? recordMlmHeadBackward(pass, gathered, mlm, logitsGradient)
    : recordClassifierHeadBackward(pass, gathered, classifier!, logitsGradient);
  const hiddenGradient = workspace.floats('hidden gradient', batch.tokens * hidden);
  const scattered = { input: gradient, index: batch.rowOfToken, output: hiddenGradient };
  recordGather(recorder, { rows: batch.tokens, hidden }, scattered);
  return hiddenGradient;
}
