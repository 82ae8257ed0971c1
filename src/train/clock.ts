/** Counts seconds of work, without pauses. */
export class Clock {
  private before = 0;
  private since = performance.now();

  /** @param seconds The seconds of earlier work. */
  start(seconds: number): void {
    this.before = seconds;
    this.since = performance.now();
  }

  /** The seconds so far. */
  read(): number {
    return this.before + (performance.now() - this.since) / 1000;
  }
}

/** Measures tokens a second between two reports. */
export class Meter {
  private since = performance.now();
  private tokens = 0;

  add(tokens: number): void {
    this.tokens += tokens;
  }

  /** Tokens a second since the last call, or since the start. */
  read(): number {
    const tokensPerSecond = (1000 * this.tokens) / (performance.now() - this.since);
    this.restart();
    return tokensPerSecond;
  }

  restart(): void {
    this.since = performance.now();
    this.tokens = 0;
  }
}

/** Work in the background of a run, one task at a time. `check` throws its error. */
export class Background {
  private work: Promise<void> = Promise.resolve();
  private failure: { error: unknown } | undefined;

  begin(work: Promise<void>): void {
    this.work = work.catch((error) => {
      this.failure ??= { error };
    });
  }

  /** Resolves when the work has ended, with or without an error. */
  end(): Promise<void> {
    return this.work;
  }

  /** @throws What the work threw. */
  check(): void {
    if (this.failure) throw this.failure.error;
  }
}
