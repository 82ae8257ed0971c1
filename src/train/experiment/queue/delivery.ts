import { CallerError } from '../../../base/errors.js';
import { hashOfText } from '../../../base/hash.js';
import { type Cell, settingsHash } from '../experiment.js';
import { type CellResult, parseResult } from '../results.js';

/** The return value of a job: a result's text and its hash. Models do not travel through the queue. */
export interface Delivery {
  result: string;
  hash: string;
}

/** A result on its way back. */
export function deliveryOf(result: CellResult): Delivery {
  const text = JSON.stringify(result);
  return { result: text, hash: hashOfText(text) };
}

/**
 * The result in a delivery.
 * @throws CallerError where it is damaged, or the result of another cell.
 */
export function resultIn(delivery: Partial<Delivery> | undefined, cell: Cell, where: string): CellResult {
  const { result: text, hash } = delivery ?? {};
  const damaged = new CallerError({ what: 'the result of a worker is damaged', where });
  if (typeof text !== 'string' || hashOfText(text) !== hash) throw damaged;
  const result = parseResult(text, where);
  if (result.condition !== cell.condition || settingsHash(result.settings) !== cell.hash) throw damaged;
  return result;
}
