import { describeValue } from '../../base/describe-value.js';
import { CallerError } from '../../base/errors.js';
import { repeatedName } from '../../base/json-scan.js';
import { isObject } from '../../base/json-schemas.js';
import { exists, pathIn, readBytesOf, readText } from '../../data/files.js';
import { openSafetensors } from '../safetensors.js';
import type { StoredTensor } from '../stored-tensor.js';
import { parseJson } from './json.js';

const SAFETENSORS = 'model.safetensors';
const TORCH = 'pytorch_model.bin';
const INDEX = '.index.json';

/** The files of weights that a folder may have, in the order in which they are looked for. */
export const WEIGHTS_FILES: readonly string[] = [
  SAFETENSORS,
  `${SAFETENSORS}${INDEX}`,
  TORCH,
  `${TORCH}${INDEX}`,
];

/** A folder's tensors by their names in it. */
export interface OpenWeights {
  /** The file that names them all. */
  file: string;
  tensors: Map<string, StoredTensor>;
}

const POINTER = 'version https://git-lfs.github.com/';

async function openFile(file: string, expected: string): Promise<Map<string, StoredTensor>> {
  const bytes = await readBytesOf(file, expected);
  if (new TextDecoder().decode(bytes.subarray(0, POINTER.length)) === POINTER) {
    throw new CallerError({
      what: 'only a pointer to the file',
      where: file,
      expected: 'the weights',
      remedy: 'fetch them with `git lfs pull`',
    });
  }
  if (file.endsWith('.safetensors')) return openSafetensors(bytes, file);
  const { openTorchFile } = await import('./torch-file.js');
  return openTorchFile(bytes, file);
}

function isPlain(file: unknown): file is string {
  return typeof file === 'string' && /^[\w-][\w.-]*\.(safetensors|bin)$/.test(file);
}

/** The file of each tensor of an index. @throws CallerError where it is not an index, or names files outside of its folder. */
export function parseIndex(text: string, where: string): Map<string, string> {
  const { weight_map: map } = parseJson(text, where, 'an index of weights');
  const files = isObject(map) ? Object.entries(map) : [];
  const odd = files.find(([, file]) => !isPlain(file));
  if (files.length === 0 || odd) {
    throw new CallerError({
      what: `it does not name the file of each tensor${odd ? ` (${describeValue(odd[0])}: ${describeValue(odd[1])})` : ''}`,
      where,
      expected: '"weight_map": { tensor: file beside this one … }',
    });
  }
  const twice = repeatedName(text);
  if (twice !== undefined) {
    throw new CallerError({
      what: `${describeValue(twice)} is there twice`,
      where,
      expected: 'one file for each tensor',
    });
  }
  return new Map(files as [string, string][]);
}

async function openShards(folder: string, index: string): Promise<OpenWeights> {
  const file = pathIn(folder, index);
  const map = parseIndex(await readText(file), file);
  const shards = new Map<string, Map<string, StoredTensor>>();
  for (const shard of new Set(map.values()))
    shards.set(shard, await openFile(pathIn(folder, shard), `it, as ${index} says`));
  for (const [shard, tensors] of shards) {
    const elsewhere = [...tensors.keys()].find((name) => (map.get(name) ?? shard) !== shard);
    if (elsewhere !== undefined) {
      throw new CallerError({
        what: `tensor ${describeValue(elsewhere)} is here and in ${map.get(elsewhere)}`,
        where: pathIn(folder, shard),
        expected: `each tensor in one file, as ${index} says`,
      });
    }
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shard] of map) {
    const tensor = shards.get(shard)!.get(name);
    if (!tensor) {
      throw new CallerError({
        what: `tensor ${describeValue(name)} is missing`,
        where: pathIn(folder, shard),
        expected: `what ${index} says`,
      });
    }
    tensors.set(name, tensor);
  }
  return { file, tensors };
}

/** The first file of weights that is there; the usual one, so that an error names it, where none is. */
async function nameOfWeights(folder: string): Promise<string> {
  for (const name of WEIGHTS_FILES) if (await exists(pathIn(folder, name))) return name;
  return SAFETENSORS;
}

/**
 * Opens a folder's weights: safetensors or PyTorch's own files, in one file or in several.
 * @throws CallerError where they are missing, or a file is cut off or of another format.
 */
export async function openWeights(folder: string): Promise<OpenWeights> {
  const name = await nameOfWeights(folder);
  if (name.endsWith(INDEX)) return openShards(folder, name);
  const file = pathIn(folder, name);
  return { file, tensors: await openFile(file, `it, or one of ${WEIGHTS_FILES.slice(1).join(', ')}`) };
}
