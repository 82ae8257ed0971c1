import * as v from 'valibot';

/** Parts of the schemas of files. Their messages say what is expected, as the second half of a one-line error. */

export const text = v.string('text');
export const flag = v.boolean('true or false');
export const finite = v.pipe(v.number('a number'), v.finite('a finite number'));
export const share = v.pipe(
  finite,
  v.minValue(0, 'a number from 0 to 1'),
  v.maxValue(1, 'a number from 0 to 1'),
);
export const notNegative = v.pipe(finite, v.minValue(0, 'a number of 0 or more'));
export const whole = v.pipe(
  finite,
  v.safeInteger('a whole number of 0 or more'),
  v.minValue(0, 'a whole number of 0 or more'),
);
export const positiveWhole = v.pipe(whole, v.minValue(1, 'a whole number of 1 or more'));

/** A number that JSON has as null where it is NaN. */
export function orNaN<Schema extends v.GenericSchema<unknown, number>>(schema: Schema) {
  return v.pipe(
    v.nullable(schema),
    v.transform((value) => value ?? Number.NaN),
  );
}

export function listOf<Item extends v.GenericSchema>(item: Item) {
  return v.array(item, 'a list');
}

export type Json = Record<string, unknown>;

/** Whether a value is an object that is not a list. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a whole number of 0 or more. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** An object and not a list, which valibot accepts as an object. */
const object = v.custom<object>(isObject, 'an object');

/** An object with any names, whose values match the schema. */
export function recordOf<Item extends v.GenericSchema>(item: Item) {
  return v.pipe(object, v.record(v.string(), item));
}

/** An object with these fields, and others that stay unchanged. */
export function fields<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(object, v.looseObject(entries, 'an object'));
}

/** `fields`, some of which have former names: `names` maps former names to present ones. */
export function renamed<Entries extends v.ObjectEntries>(names: Record<string, string>, entries: Entries) {
  return v.pipe(
    object,
    v.transform((value) =>
      Object.fromEntries(Object.entries(value).map(([name, field]) => [names[name] ?? name, field])),
    ),
    v.looseObject(entries, 'an object'),
  );
}

/** An object with these fields only. */
export function onlyFields<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(object, v.strictObject(entries, `one of: ${Object.keys(entries).join(', ')}`));
}

export function oneOf<const Options extends readonly string[]>(options: Options) {
  return v.picklist(options, `one of: ${options.join(', ')}`);
}
