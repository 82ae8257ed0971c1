import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c, EventFile } from '../../src/train/event-file.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { readEvents } from './tensorboard-reader.js';

const folder = temporaryFolder();

describe('crc32c', () => {
  // RFC 3720, B.4, and the check value of the catalogue of CRC algorithms.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 times 255', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    ['"123456789"', new TextEncoder().encode('123456789'), 0xe3069283],
  ])('of %s', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });
});

describe('an event file', () => {
  it('has its version, its start and its scalars, each record with checksums', () => {
    const before = Date.now() / 1000;
    const file = EventFile.create(join(folder, 'new/run'), 7);
    file.scalars(300, { 'train/loss': 0.625, 'train/learning_rate': 2 ** -140 });
    file.scalars(2 ** 40, { 'eval/loss': Number.NaN });
    file.close();
    const [name, ...others] = readdirSync(join(folder, 'new/run'));
    expect(others).toEqual([]);
    expect(name).toMatch(/^events\.out\.tfevents\.\d+\./);
    const events = readEvents(readFileSync(join(folder, 'new/run', name)));
    for (const { wallTime } of events) expect(wallTime).toBeGreaterThanOrEqual(before);
    expect(events.map(({ wallTime: _, ...event }) => event)).toEqual([
      { step: 0, version: 'brain.Event:2', scalars: {} },
      { step: 7, started: true, scalars: {} },
      { step: 300, scalars: { 'train/loss': 0.625, 'train/learning_rate': 2 ** -140 } },
      { step: 2 ** 40, scalars: { 'eval/loss': Number.NaN } },
    ]);
  });
});
