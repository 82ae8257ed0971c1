import type { KernelChoices } from '../../src/attention/kernel-choices.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import type { PairCounts } from '../../src/plan/pair-counts.js';
import type { Computed, GateResult } from '../gate.js';
import type { Inputs, Workload } from '../inputs.js';

/** An attention that a peer computes: batch 1. */
export interface PeerTask {
  workload: Workload;
  /** [tokens, heads, headDim]. */
  inputs: Inputs;
  /** Whether only the pairs of the hard rules exist: a mask tensor for the peers, a plan for ours. */
  mask: boolean;
  rules: RuleSet;
  /** Whether gradients are wanted too. */
  backward: boolean;
  seed: number;
  /** Tuned variants of our kernels. */
  kernels?: readonly KernelChoices[];
}

/** The clock of a time: the wall's, or that of the GPU for its kernels alone, in a run of its own. */
export type Clock = 'wall' | 'gpu';

/** The costs of preparing a task. */
export interface Preparation {
  /** Milliseconds of building the mask tensor, or of planning; 0 where neither was needed. */
  planMs: number;
  /** The pairs of our own plan; other peers multiply every pair. */
  pairCounts?: PairCounts;
  bufferBytes?: number;
}

/** A task that is ready to run: compiled where the peer compiles beforehand, with inputs and mask on its device. */
export interface PreparedAttention extends Preparation {
  /** Computes once, to the end of the work on the device. Results stay there where the peer allows it. */
  run(): Promise<void>;
  /** Milliseconds of one run, where the peer times it itself. */
  wallMs?(): Promise<number>;
  /** Milliseconds of the kernels of one run by the GPU's clock, where the peer has it. */
  gpuMs?(): Promise<number>;
  /** Computes once more. @returns The results in the layout of the inputs; for our own, whether they are right. */
  check(): Promise<Computed | GateResult>;
  release(): void;
}

/** A library, opened on its device. */
export interface Peer {
  /** The description of its adapter; undefined where it reports none. */
  adapter(): string | undefined;
  prepare(task: PeerTask): Promise<PreparedAttention>;
  /** Called after everything that was prepared is released. */
  release?(): Promise<void>;
}

/** The arguments for opening a peer. */
interface PeerContext {
  /** The adapter, as `--adapter` takes it. */
  adapter: string;
  /** WebGPU's name of that adapter's model, such as "nvidia-h200". */
  card: string;
  /** Imports one of the packages that were installed for the peer. */
  load<T>(packageName: string): Promise<T>;
}

export type OpenPeer = (context: PeerContext) => Promise<Peer>;

/**
 * A request of the benchmark to a peer's process, one at a time. The answer to `prepare` has the handle of the task.
 */
export type PeerRequest =
  | { kind: 'open'; adapter: string; card: string; folder: string | undefined }
  | { kind: 'prepare'; task: PeerTask }
  | { kind: 'check'; handle: number }
  | { kind: 'time'; handle: number; clock: Clock }
  | { kind: 'release' };

/** The answers by the kind of their request. */
export interface PeerAnswers {
  open: Record<string, never>;
  prepare: Preparation & { handle: number; hasClock: boolean };
  check: {
    /** Milliseconds of the first run, which compiles. */
    coldMs: number;
    results: Computed | GateResult;
    adapter: string | undefined;
  };
  time: { milliseconds: number };
  release: Record<string, never>;
}

/** An answer as a message. */
export type PeerReply = { ok: true; value: PeerAnswers[keyof PeerAnswers] } | { ok: false; error: string };

/** Any text as one line that fits a table and a report. */
export function oneLine(text: string, most = 300): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
