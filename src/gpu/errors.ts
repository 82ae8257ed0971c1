/** What a one-line error says: what happened, where, what was expected there, and what to do about it. */
export interface ErrorParts {
  what: string;
  /** File and line, buffer, tensor or flag. */
  where?: string;
  expected?: string;
  remedy?: string;
}

function oneLine({ what, where, expected, remedy }: ErrorParts): string {
  const parts = [where ? `${where}: ${what}` : what];
  if (expected) parts.push(`expected ${expected}`);
  if (remedy) parts.push(remedy);
  return parts.join('; ').replace(/\s*[\n\r]\s*/g, ' ');
}

/** An error that a user reads as one line, without a stack trace. */
export abstract class ParsimonyError extends Error {
  /** The exit code a command ends with. */
  abstract readonly exitCode: number;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    super(oneLine(parts), options);
    this.name = new.target.name;
  }
}

/** The caller's mistake: bad input, a bad flag, a file that is not what it should be. */
export class CallerError extends ParsimonyError {
  readonly exitCode = 2;
}

/** Ours, or the machine's: no adapter, a lost device, memory that ran out, a kernel that was refused. */
export class EngineError extends ParsimonyError {
  readonly exitCode = 1;
}
