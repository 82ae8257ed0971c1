/** Counts seconds of work, without what comes between. */
export class Clock {
  private before = 0;
  private since = performance.now();

  /** @param seconds That count already. */
  start(seconds: number): void {
    this.before = seconds;
    this.since = performance.now();
  }

  /** The seconds so far. */
  read(): number {
    return this.before + (performance.now() - this.since) / 1000;
  }
}

/** Tokens a second between two reports. */
export class Meter {
  private since = performance.now();
  private tokens = 0;

  add(tokens: number): void {
    this.tokens += tokens;
  }

  /** Tokens a second since the last call, or since the beginning. */
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

/** Something that goes on beside a run, one at a time. Its failure is kept until somebody asks. */
export class Background {
  private work: Promise<void> = Promise.resolve();
  private failure: { error: unknown } | undefined;

  begin(work: Promise<void>): void {
    this.work = work.catch((error) => {
      this.failure ??= { error };
    });
  }

  /** Resolves when nothing goes on any more, whether it went well or not. */
  end(): Promise<void> {
    return this.work;
  }

  /** @throws What the work threw. */
  check(): void {
    if (this.failure) throw this.failure.error;
  }
}
