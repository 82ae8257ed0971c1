import type { Ledger } from '../../src/plan/ledger.js';
import type { Computed, GateResult } from '../gate.js';
import type { PeerTask } from './peer.js';

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
  prepare: { handle: number; planMs: number; ledger?: Ledger; bufferBytes?: number };
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
