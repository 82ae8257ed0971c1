import type { RuleSet } from '../../src/grammar/rules.js';
import type { PairCounts } from '../../src/plan/pair-counts.js';
import type { Inputs, Workload } from '../attention-implementation.js';
import type { Computed, GateResult } from '../gate.js';

/** One attention that a peer has to compute: batch 1, f32. */
export interface PeerTask {
  workload: Workload;
  /** [tokens, heads, headDim]. */
  inputs: Inputs;
  /** Whether only the pairs of the hard rules exist: a mask tensor for the peers, a plan for us. */
  mask: boolean;
  rules: RuleSet;
  /** Whether gradients are wanted too. */
  backward: boolean;
  seed: number;
}

/** A task made ready: compiled where the peer compiles beforehand, inputs and mask where the peer computes. */
export interface PreparedAttention {
  /** Milliseconds that building the mask tensor took, or planning; 0 where neither was needed. */
  planMs: number;
  /** What our own plan makes the kernels multiply; a peer multiplies every pair. */
  pairCounts?: PairCounts;
  bufferBytes?: number;
  /** Computes once, to the end of the work on the device; results stay there where the peer's interface lets them. */
  run(): Promise<void>;
  /** Computes once more, and returns the results in the layout of the inputs; our own are judged where they are. */
  check(): Promise<Computed | GateResult>;
  release(): void;
}

/** A library, opened on its device. */
export interface Peer {
  /** What it runs on, in its own words; undefined where it does not tell. */
  adapter(): string | undefined;
  prepare(task: PeerTask): Promise<PreparedAttention>;
}

/** What a peer is opened with. */
interface PeerContext {
  /** The adapter, as `--adapter` takes it. */
  adapter: string;
  /** Imports one of the packages that were installed for the peer. */
  load<T>(packageName: string): Promise<T>;
}

export type OpenPeer = (context: PeerContext) => Promise<Peer>;

/**
 * What the benchmark asks of a peer's process, one question at a time. A task that was prepared is referred to by the handle
 * that the answer gave.
 */
export type PeerRequest =
  | { kind: 'open'; adapter: string; folder: string | undefined }
  | { kind: 'prepare'; task: PeerTask }
  | { kind: 'check'; handle: number }
  | { kind: 'time'; handle: number }
  | { kind: 'release' };

/** The answers, by the kind of the request. */
export interface PeerAnswers {
  open: Record<string, never>;
  prepare: { handle: number; planMs: number; pairCounts?: PairCounts; bufferBytes?: number };
  check: {
    /** Milliseconds of the first run, which compiles. */
    coldMs: number;
    results: Computed | GateResult;
    adapter: string | undefined;
  };
  time: { milliseconds: number };
  release: Record<string, never>;
}

/** How an answer travels. */
export type PeerReply = { ok: true; value: PeerAnswers[keyof PeerAnswers] } | { ok: false; error: string };

/** Any text as one line that fits a table and a report. */
export function oneLine(text: string, most = 300): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
