import { createHash } from 'node:crypto';

const DEV_ROWS = 6;

/** The digest that a cell's stub result follows from. */
export function digestOf(cell, data) {
  return createHash('sha256').update(`${cell.hash} ${data}`).digest();
}

/** A result that follows from the settings and the data of a cell, as that of a training does. */
export function stubResult(experiment, cell, data) {
  const digest = digestOf(cell, data);
  const marks = [...digest.subarray(1, 1 + DEV_ROWS)].map((byte) => byte % 2).join('');
  const accuracy = [...marks].filter((mark) => mark === '1').length / DEV_ROWS;
  const evaluation = {
    epoch: 1,
    step: 3,
    loss: digest.readUInt32LE(8) / 2 ** 32,
    accuracy,
    f1: 0,
    matthews: 0,
  };
  const { data: _, adapter: __, ...settings } = cell.settings;
  const { condition, point } = cell;
  return {
    ...{ experiment, condition, point, settings, data, adapter: 'stub', density: 1 },
    evaluations: [evaluation],
    best: { ...evaluation, marks },
    final: { ...evaluation, marks },
    ...{ tokensPerSecond: 1, seconds: 1 },
  };
}
