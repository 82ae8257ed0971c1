import { ParsimonyError } from '../base/errors.js';

/** The position of a run when it was stopped. */
export interface StoppedAt {
  step: number;
  totalSteps: number;
}

/** A run was stopped, after a checkpoint if it had done a step. */
export class RunInterrupted extends ParsimonyError {
  /** The exit code of a command that Ctrl-C ended. */
  readonly exitCode = 130;
  readonly at: StoppedAt;
  /** Whether the run is in its folder and can be resumed. */
  readonly isResumable: boolean;

  constructor(at: StoppedAt, isResumable = false) {
    const { step, totalSteps } = at;
    const when = step === 0 ? 'before its first step' : `after step ${step} of ${totalSteps}`;
    super({ what: `the run was interrupted ${when}` });
    this.at = at;
    this.isResumable = isResumable;
  }
}
