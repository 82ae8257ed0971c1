import { ParsimonyError } from '../base/errors.js';

/** How far a run had come when it was told to stop. */
export interface StoppedAt {
  step: number;
  totalSteps: number;
}

/** A run was told to stop, and has: after a checkpoint, where it had done a step. */
export class RunInterrupted extends ParsimonyError {
  /** What shells say of a command that was ended by Ctrl-C. */
  readonly exitCode = 130;
  readonly at: StoppedAt;
  /** Whether the run stands in its folder, to go on from there. */
  readonly isResumable: boolean;

  constructor(at: StoppedAt, standsThere = false) {
    const { step, totalSteps } = at;
    const when = step === 0 ? 'before its first step' : `after step ${step} of ${totalSteps}`;
    super({ what: `the run was interrupted ${when}` });
    this.at = at;
    this.isResumable = standsThere;
  }
}
