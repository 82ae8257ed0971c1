import type { RuleSet } from '../../src/grammar/rules.js';
import type { Ledger } from '../../src/plan/ledger.js';
import type { Inputs, Workload } from '../attention-contender.js';
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
  ledger?: Ledger;
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
