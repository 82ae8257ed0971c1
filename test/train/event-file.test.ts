import { spawnSync } from 'node:child_process';
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
  ])('of %s is the published value', (_, bytes, crc) => {
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

const READ = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}))
`;

const python = (...args: string[]) => spawnSync('python3', ['-c', ...args], { encoding: 'utf8' });

describe('TensorBoard', () => {
  it.skipIf(python('import tensorboard').status !== 0)(
    'reads the scalars; those of a resumed run replace what followed its checkpoint (needs TensorBoard)',
    () => {
      const first = EventFile.create(join(folder, 'resumed'), 1);
      for (const step of [20, 40, 60]) first.scalars(step, { 'train/loss': 1 / step });
      first.close();
      const second = EventFile.create(join(folder, 'resumed'), 41);
      for (const step of [60, 80]) second.scalars(step, { 'train/loss': 2 / step });
      second.close();
      const { stdout, stderr } = python(READ, join(folder, 'resumed'));
      expect(JSON.parse(stdout || stderr)).toEqual({
        'train/loss': [
          [20, Math.fround(1 / 20)],
          [40, Math.fround(1 / 40)],
          [60, Math.fround(2 / 60)],
          [80, Math.fround(2 / 80)],
        ],
      });
    },
  );
});
