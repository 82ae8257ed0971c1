/** Updates over which a rate is taken: enough to be steady, few enough to follow a change. */
const WINDOW = 8;

/** How fast a task goes, and how long it still takes at this rate. */
export class Pace {
  private readonly seen: { done: number; at: number }[];

  /**
   * @param done The part of a resumed task that was done before, which does not count for the rate.
   * @param now Milliseconds of any clock that only goes forward.
   */
  constructor(
    private readonly total: number,
    private readonly unit: string,
    done = 0,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.seen = [{ done, at: now() }];
  }

  /** Counts what is done by now. @returns "12.5 steps/s, 1 min 20 s left"; empty while there is no rate yet. */
  update(done: number): string {
    this.seen.push({ done, at: this.now() });
    if (this.seen.length > WINDOW) this.seen.shift();
    // The time before the first update includes compilation, so it counts only until there are more updates.
    const first = this.seen[this.seen.length > 2 ? 1 : 0];
    const last = this.seen[this.seen.length - 1];
    const perSecond = (1000 * (last.done - first.done)) / (last.at - first.at);
    if (!(perSecond > 0) || !Number.isFinite(perSecond)) return '';
    const left = Math.max(0, this.total - done) / perSecond;
    return `${digits(perSecond)} ${this.unit}/s, ${duration(left)} left`;
  }
}

function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** "45 s", "1 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
