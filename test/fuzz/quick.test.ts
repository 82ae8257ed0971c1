import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from '../support/arbitraries.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { failureOf, inputOf, writeInput } from './inputs.js';
import { nodeMutations } from './mutate.js';
import { READERS, readerNamed } from './readers.js';

const folder = join(temporaryFolder(), 'input');

const SEED = 7;
const COUNT = 200 * CASES;
/** Loaded machines read fewer inputs, the first ones. */
const MOST_MS = 150 * CASES;

/** A usual run takes one of this many changes of JSON. A path has six or seven, so that each path gets another one. */
const EVERY = CASES > 1 ? 1 : 5;

/** `npm run fuzz` tries inputs that may never end, in a process that can be killed. */
const NAMES = READERS.map(({ name }) => name).filter((name) => name !== 'parquet');

describe('the readers of files', () => {
  it.each(NAMES)('%s refuses damaged input in one line, or reads it', async (name) => {
    const reader = readerNamed(name);
    const samples = reader.samples();
    for (const files of samples) {
      writeInput(folder, files);
      await reader.read(folder);
    }
    const began = performance.now();
    for (let index = 0; index < COUNT && performance.now() - began < MOST_MS; index++) {
      writeInput(folder, inputOf(reader, samples, SEED, index));
      expect(
        await failureOf(reader, folder),
        `--reader ${name} --seed ${SEED}, input ${index}`,
      ).toBeUndefined();
    }
  });

  it.each(['rules', 'experiment', 'kernel-choices', 'bench-config', 'bench-other', 'results', 'run'])(
    '%s accepts or refuses any value at any path of its JSON',
    async (name) => {
      const reader = readerNamed(name);
      const paths = new Set<string>();
      let tried = 0;
      // Every report has the same environment: changing it in one is enough.
      const isNew = (path: string) => {
        const isShared = /^\.all\.(environment|otherData|gate)/.test(path);
        return !isShared || paths.size !== paths.add(path.replace('otherData', 'environment')).size;
      };
      for (const files of reader.samples()) {
        for (const [file, bytes] of Object.entries(files)) {
          // One of several equal results is enough.
          if (reader.structureOf(file) === undefined || /^[123]\.json$/.test(file)) continue;
          const lines = Buffer.from(bytes)
            .toString()
            .split(/(?<=\n)/);
          writeInput(folder, files);
          for (const [at, line] of lines.entries()) {
            for (const changed of nodeMutations(line, isNew)) {
              if (tried++ % EVERY > 0) continue;
              const text = lines.with(at, `${changed}\n`).join('');
              writeFileSync(join(folder, file), text);
              expect(await failureOf(reader, folder), text).toBeUndefined();
            }
          }
        }
      }
      expect(tried).toBeGreaterThan(30);
    },
  );
});
