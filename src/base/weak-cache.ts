/** One key of a value: an object and the name of one of its parts. */
export interface WeakKey {
  object: object;
  part: string;
}

interface Node<T> {
  value?: T;
  next?: WeakMap<object, Map<string, Node<T>>>;
}

/** Values by lists of objects. A value lives at most as long as each of its objects, and keeps none of them alive. */
export class WeakCache<T> {
  private readonly root: Node<T> = {};

  /** The value of some keys, created where it is missing. */
  get(keys: readonly WeakKey[], make: () => T): T {
    let node = this.root;
    for (const { object, part } of keys) {
      node.next ??= new WeakMap();
      let parts = node.next.get(object);
      if (!parts) {
        parts = new Map();
        node.next.set(object, parts);
      }
      let child = parts.get(part);
      if (!child) {
        child = {};
        parts.set(part, child);
      }
      node = child;
    }
    node.value ??= make();
    return node.value;
  }
}
