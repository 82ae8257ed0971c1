/** Does things one after another, in the order in which they were asked for, whoever asks. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** @returns What the action returns; what it throws stops no other. */
  run<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action);
    this.last = result.catch(() => {});
    return result;
  }
}
