import { CallerError } from '../../base/errors.js';
import { isObject, type Json } from '../../base/json-schemas.js';
import { exists, readText } from '../../data/files.js';

/** Parses a JSON object. @throws CallerError where a text is not one. */
export function parseJson(text: string, file: string, expected = "a model's configuration"): Json {
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return json;
  } catch {
    // Refused below, as every other content that is not an object.
  }
  throw new CallerError({ what: 'not a JSON object', where: file, expected });
}

/** The object of a JSON file; an empty one where the file is missing. @throws CallerError where the file holds anything else. */
export async function jsonIfThere(file: string, expected?: string): Promise<Json> {
  return (await exists(file)) ? parseJson(await readText(file), file, expected) : {};
}
