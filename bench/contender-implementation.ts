import { CallerError, messageOf } from '../src/base/errors.js';
import { type Device, errorScopes } from '../src/gpu/device.js';
import { FORBIDDEN } from '../src/grammar/pair-table.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import { denseLayout } from '../src/plan/layout.js';
import { allowedPairs } from './allowed-pairs.js';
import type { Pass } from './attention-settings.js';
import { type AttentionProblem, type Contender, checkPrepared, type PreparedContender } from './contender.js';
import {
  checkExpected,
  type Expected,
  expectedNumbers,
  type GateResult,
  GREEN,
  onlySampled,
  referenceInput,
  sampledRows,
} from './gate.js';
import { ImplementationBuffers } from './implementation-buffers.js';
import type { Inputs, Workload } from './inputs.js';
import { isPositional, referenceTokenBias, type TokenBias } from './reference-pairs.js';
import type { Implementation } from './timing.js';

/** The mask of a problem. */
export interface ContenderMask {
  strategy: Strategy;
  rules: RuleSet;
}

function red(complaint: string): GateResult {
  return { ...GREEN, passed: false, maxError: Number.MAX_VALUE, complaints: [complaint] };
}

/** A user's implementation at one shape, checked and timed as ours are. */
export class ContenderImplementation {
  /** What is wrong with it. Set by `check` and `checkAgain`. */
  gate: GateResult = GREEN;
  readonly usefulPairs: number;
  private readonly buffers: ImplementationBuffers;
  private readonly bias: TokenBias;
  private prepared: PreparedContender | undefined;
  /** What the checked rows must be, by whether gradients are among them. */
  private readonly expected = new Map<boolean, Expected>();

  constructor(
    private readonly device: Device,
    readonly contender: Contender,
    readonly mask: ContenderMask,
    private readonly workload: Workload,
    private readonly inputs: Inputs,
  ) {
    const { heads, headDim, tags } = workload;
    this.buffers = new ImplementationBuffers(device, inputs, heads * headDim);
    this.bias = referenceTokenBias(mask.rules, mask.strategy, tags, workload);
    this.usefulPairs = allowedPairs(workload, mask.rules, mask.strategy);
  }

  /** Prepares it and compares one run with float64. @returns False where it does not compute this problem. */
  async check(passes: readonly Pass[], seed: number): Promise<boolean> {
    try {
      const prepared = await this.guarded(() => this.contender.prepare(this.device.gpu, this.problem()));
      if (prepared === undefined) return false;
      checkPrepared(prepared, this.contender.name);
      this.prepared = prepared;
      this.gate = await this.checked(
        passes.some((pass) => pass !== 'forward' && this.has(pass)),
        seed,
      );
    } catch (error) {
      this.gate = red(messageOf(error));
    }
    return true;
  }

  /** Compares one more run of a pass that was timed: one that was right before may have stopped to compute. */
  async checkAgain(pass: Pass, seed: number): Promise<void> {
    try {
      this.gate = await this.checked(pass !== 'forward', seed);
    } catch (error) {
      this.gate = red(messageOf(error));
    }
    if (!this.gate.passed) {
      this.gate.complaints = this.gate.complaints.map((complaint) => `after it was timed: ${complaint}`);
    }
  }

  /** Whether it computes a pass. */
  has(pass: Pass): boolean {
    return pass === 'forward' || this.prepared?.encodeBackward !== undefined;
  }

  timed(pass: Pass): Implementation {
    return { name: this.contender.name, run: (times) => this.run(pass, times) };
  }

  release(): void {
    try {
      this.ofCaller(() => this.prepared?.release?.());
    } finally {
      this.buffers.release();
    }
  }

  private problem(): AttentionProblem {
    const { heads, headDim, lengths, tags, causal = false } = this.workload;
    const { strategy, rules } = this.mask;
    const labelNames = [...new Set(tags)];
    const ofLabels = referenceTokenBias(rules, strategy, labelNames);
    const size = labelNames.length;
    const biases = Float32Array.from(
      { length: size ** 2 },
      (_, at) => ofLabels(Math.floor(at / size), at % size) ?? FORBIDDEN,
    );
    return {
      heads,
      headDim,
      scale: 1 / Math.sqrt(headDim),
      lengths: [...lengths],
      labels: Uint8Array.from(tags, (tag) => labelNames.indexOf(tag)),
      labelNames,
      biases: causal || isPositional(rules, strategy) ? undefined : biases,
      causal,
      bias: this.bias,
      strategy,
      rules,
      buffers: this.buffers.tensors,
    };
  }

  private async checked(backward: boolean, seed: number): Promise<GateResult> {
    const { heads, headDim, lengths } = this.workload;
    const sampled = sampledRows(denseLayout(lengths), heads, seed);
    const outputGradient = onlySampled(this.inputs.outputGradient, sampled, headDim);
    this.buffers.writeOutputGradient(outputGradient);
    this.buffers.poison();
    await this.guarded(() => {
      const encoder = this.device.gpu.createCommandEncoder();
      this.encode(encoder, backward ? 'forward+backward' : 'forward');
      this.device.gpu.queue.submit([encoder.finish()]);
    });
    const computed = await this.buffers.read(backward);
    this.buffers.writeOutputGradient(this.inputs.outputGradient);
    const inputs = { ...this.inputs, outputGradient };
    const expected =
      this.expected.get(backward) ??
      expectedNumbers(referenceInput(this.workload, inputs, backward, this.bias), sampled);
    this.expected.set(backward, expected);
    return checkExpected(expected, computed);
  }

  private async run(pass: Pass, times: number): Promise<void> {
    const encoder = this.device.gpu.createCommandEncoder();
    this.ofCaller(() => {
      for (let time = 0; time < times; time++) this.encode(encoder, pass);
    });
    this.device.submit(encoder);
    await this.device.finish();
  }

  /** Runs its code after the check. @throws CallerError where it fails. */
  private ofCaller(action: () => void): void {
    try {
      action();
    } catch (cause) {
      throw new CallerError(
        {
          what: `it failed after it was checked (${messageOf(cause)})`,
          where: `contender "${this.contender.name}"`,
          expected: 'passes that are encoded any number of times, and then released',
        },
        { cause },
      );
    }
  }

  private encode(encoder: GPUCommandEncoder, pass: Pass): void {
    if (pass !== 'backward') this.prepared!.encodeForward(encoder);
    if (pass !== 'forward') this.prepared!.encodeBackward!(encoder);
  }

  /** Runs its code, and throws the driver's errors: an uncaptured one would end the benchmark. */
  private async guarded<T>(action: () => T | Promise<T>): Promise<T> {
    const close = errorScopes(this.device.gpu);
    const result = await Promise.resolve()
      .then(action)
      .then(
        (value) => ({ value }),
        (error: Error) => ({ error }),
      );
    const errors = await this.device.wait(Promise.all(close()));
    const found = errors.find((error) => error !== null);
    if (found) throw found;
    if ('error' in result) throw result.error;
    return result.value;
  }
}
