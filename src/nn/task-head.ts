import { recordClassifierHead } from './classifier-head.js';
import { recordMlmHead } from './mlm-head.js';
import { paddedOutputs } from './model-config.js';
import type { HeadBackward, Pass } from './pass.js';
import { recordGather } from './pointwise.js';

/** What the forward pass of a head gives. */
export interface RecordedHead {
  /** [rows, padded outputs], in blocks of `logitsBlock` columns. */
  logits: GPUBuffer;
  /** Its result is the gradient of the encoder's output, [tokens, hidden]. */
  backward: HeadBackward;
}

/**
 * Records the head of the model's task. Logits are computed of the batch's rows alone, [CLS] or the masked tokens, not of all tokens.
 * @param hidden [tokens, hidden], the encoder's output.
 */
export function recordHead(pass: Pass, hidden: GPUBuffer): RecordedHead {
  const { recorder, config, batch, workspace } = pass;
  const gathered = workspace.floats('gathered', batch.rows * config.hidden);
  const logits = workspace.floats('logits', batch.rows * paddedOutputs(config));
  const rows = { rows: batch.rows, hidden: config.hidden };
  recordGather(recorder, rows, { input: hidden, index: batch.outputTokens, output: gathered });
  const record = config.task === 'mlm' ? recordMlmHead : recordClassifierHead;
  const backward = record(pass, gathered, logits);
  return {
    logits,
    backward(logitsGradient) {
      const input = backward(logitsGradient);
      const output = workspace.floats('hidden gradient', batch.tokens * config.hidden);
      const tokens = { rows: batch.tokens, hidden: config.hidden };
      recordGather(recorder, tokens, { input, index: batch.rowOfToken, output });
      return output;
    },
  };
}
