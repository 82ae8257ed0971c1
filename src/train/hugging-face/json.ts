import { CallerError } from '../../base/errors.js';
import { isObject, type Json } from '../../base/json-schemas.js';
import { exists, readText } from '../../data/files.js';

/** @throws CallerError where a text is no JSON object. */
export function parseJson(text: string, file: string, expected = "a model's configuration"): Json {
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return json;
  } catch {
    // Told below, as every other content that is no object.
  }
  throw new CallerError({ what: 'no JSON object', where: file, expected });
}

/** A JSON file's object, or an empty one where there is no such file. @throws CallerError where it is none. */
export async function jsonIfThere(file: string, expected?: string): Promise<Json> {
  return (await exists(file)) ? parseJson(await readText(file), file, expected) : {};
}
