import { concatenated } from '../gpu/buffers.js';
import { planWordNames } from '../gpu/kernel-sources.generated.js';
import type { Layout } from '../plan/layout.js';

const { CHUNK_WORDS } = planWordNames;

/** The most rows of a chunk. */
const CHUNK_ROWS = 64;

/** The tag runs of a plan in chunks of rows, and the chunks of each tag, as words. */
export interface TagRunChunks {
  words: Uint32Array;
  count: number;
  /** The first row and the number of rows of each chunk: CHUNK_START and CHUNK_LENGTH of `CHUNK_WORDS`. */
  chunksAt: number;
  /** The start of each tag's list of chunks, and the end of the last list. */
  tagsAt: number;
  /** The lists, one after another, each ascending. */
  entriesAt: number;
}

/** Cuts the tag runs of a sparse plan into chunks, for sums over all rows of a tag in a fixed order. */
export function tagRunChunks({ sequences, heads }: Layout): TagRunChunks {
  const size = heads[0].table!.size;
  const chunks: number[] = [];
  const ofTag = Array.from({ length: size }, (): number[] => []);
  for (const { tag, start, length } of sequences.flatMap(({ runs }) => runs)) {
    for (let done = 0; done < length; done += CHUNK_ROWS) {
      ofTag[tag].push(chunks.length / CHUNK_WORDS);
      chunks.push(start + done, Math.min(CHUNK_ROWS, length - done));
    }
  }
  const starts = [0];
  for (const list of ofTag) starts.push(starts[starts.length - 1] + list.length);
  const parts = [chunks, starts, ofTag.flat()].map((part) => Uint32Array.from(part));
  const { words, offsets } = concatenated(parts);
  const [chunksAt, tagsAt, entriesAt] = offsets;
  return { words, count: chunks.length / CHUNK_WORDS, chunksAt, tagsAt, entriesAt };
}
