const LONGEST = 60;

/** A short description of any value for an error, on one line. It never throws. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'bigint':
      return `${value}n`.slice(0, LONGEST);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
      return ArrayBuffer.isView(value) ? 'an array of numbers' : 'an object';
    default:
      return String(value);
  }
}
