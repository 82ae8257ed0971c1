import * as v from 'valibot';
import { describeValue } from './describe-value.js';
import { CallerError } from './errors.js';

/** An object with these methods, of any class: WebGPU objects come from Dawn or from the browser. */
export function objectWith<Value extends object>(
  expected: string,
  ...methods: readonly (keyof Value & string)[]
) {
  return v.custom<Value>((value) => {
    const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    return methods.every((method) => typeof object[method] === 'function');
  }, expected);
}

/** An object with these fields, and perhaps others. */
export function options<Entries extends v.ObjectEntries>(entries: Entries, expected = 'an object') {
  // valibot accepts lists as objects.
  return v.pipe(
    v.custom<object>((value) => !Array.isArray(value), expected),
    v.looseObject(entries, expected),
  );
}

export const string = v.string('a text');
/** Any number, NaN and infinities included: the check of its range refuses them. */
export const number = v.custom<number>((value) => typeof value === 'number', 'a number');
export const numbers = v.instance(Float32Array, 'a Float32Array');

/** A list, or an array of integers or floats. Its items are not checked. */
export const arrayLike = v.custom<ArrayLike<unknown>>(
  (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)),
  'a list',
);

/** A list of numbers. Their values are checked where the list is used. */
export const sizes = v.pipe(
  arrayLike,
  v.check((list) => Array.from(list).every((each) => typeof each === 'number'), 'a list of numbers'),
);

export const device = v.custom<object>(
  (value) => typeof value === 'object' && value !== null && 'gpu' in value && 'adapter' in value,
  'a device from openDevice',
);

export const folderName = v.pipe(v.string('the name of a folder'), v.minLength(1, 'the name of a folder'));

/**
 * Checks an argument of the public library, for callers without TypeScript.
 * @param name Its name in the error.
 * @throws CallerError where the value does not match the schema, whose messages say what is expected.
 */
export function checkArgument(schema: v.GenericSchema, value: unknown, name: string): void {
  const { issues } = v.safeParse(schema, value, { abortEarly: true });
  if (!issues) return;
  const [{ path = [], input, message }] = issues;
  const within = path.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  throw new CallerError({ what: `${name}${within} is ${describeValue(input)}`, expected: message });
}
