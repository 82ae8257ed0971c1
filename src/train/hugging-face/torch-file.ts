import { describeValue } from '../../base/describe-value.js';
import { CallerError } from '../../base/errors.js';
import { isCount } from '../../base/json-schemas.js';
import type { StoredTensor } from '../stored-tensor.js';
import { type PickleMeaning, Tuple, unpickle } from './pickle.js';
import { STORAGE_TYPES, type Storage, storedTensor, type View } from './torch-storage.js';
import { openZip, type ZipFiles } from './zip.js';

/** The first of the pickles that a file of the format before PyTorch 1.6 consists of. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

interface StorageType {
  type: string;
  bytes: number;
}

/** The globals that are read, besides the types of storages. */
type Maker = 'tensor' | 'parameter' | 'dictionary';

const MAKERS: Readonly<Record<string, Maker>> = {
  'torch._utils._rebuild_tensor': 'tensor',
  'torch._utils._rebuild_tensor_v2': 'tensor',
  'torch._utils._rebuild_parameter': 'parameter',
  'collections.OrderedDict': 'dictionary',
};

/** A tensor inside a pickle, before it has a name. */
class PickledTensor {
  constructor(readonly view: View) {}
}

/** Reads what torch.save wrote, as data. */
abstract class TorchFile {
  constructor(
    protected readonly file: Uint8Array,
    protected readonly where: string,
  ) {}

  abstract tensors(): Map<string, StoredTensor>;

  /** The bytes of a storage. */
  protected abstract storageBytes(key: string, bytes: number): Uint8Array;

  /** The storages that the pickle refers to: their numbers and their bytes. */
  protected readonly sizes = new Map<string, { length: number; bytes: number }>();

  protected readonly meaning: PickleMeaning = {
    global: (module, name) => {
      const maker = MAKERS[`${module}.${name}`];
      if (maker) return maker;
      if (module === 'torch' && Object.hasOwn(STORAGE_TYPES, name)) return STORAGE_TYPES[name];
      throw new CallerError({
        what: `it would have Python look up "${module}.${name}"`,
        where: this.where,
        expected: 'nothing but tensors',
        remedy: 'do not load this file with other tools either, unless you know who made it and why',
      });
    },
    call: (global, args) => this.make(global, args),
    persistent: (id) => this.storage(id),
  };

  /** A state dictionary's tensors by name. */
  protected named(dictionary: unknown): Map<string, StoredTensor> {
    if (!(dictionary instanceof Map)) this.fail('it holds no dictionary');
    const tensors = new Map<string, StoredTensor>();
    for (const [name, value] of dictionary as Map<unknown, unknown>) {
      if (typeof name !== 'string' || !(value instanceof PickledTensor)) {
        return this.fail(`its entry ${describeValue(name)} is not a tensor`);
      }
      tensors.set(name, storedTensor(value.view, name, this.where));
    }
    return tensors;
  }

  protected fail(what: string): never {
    throw new CallerError({
      what,
      where: this.where,
      expected: 'a dictionary of tensors, as torch.save(model.state_dict()) writes it',
    });
  }

  private make(global: unknown, args: readonly unknown[]): unknown {
    if (global === 'dictionary' && args.length === 0) return new Map();
    if (global === 'parameter' && args[0] instanceof PickledTensor) return args[0];
    if (global !== 'tensor') this.fail('it calls what is not a tensor');
    const [storage, offset, shape, strides] = args;
    const counts = [shape, strides].map((tuple) => (tuple instanceof Tuple ? tuple.items : [undefined]));
    if (
      !(storage instanceof StorageOf) ||
      !isCount(offset) ||
      counts.some((items) => !items.every(isCount))
    ) {
      return this.fail('a tensor has no storage, offset, shape or strides');
    }
    if (counts[0].length !== counts[1].length) this.fail('a tensor has more sizes than strides, or fewer');
    return new PickledTensor({
      storage,
      offset,
      shape: counts[0] as number[],
      strides: counts[1] as number[],
    });
  }

  /** The storage of a persistent id: 'storage', type, key, place, numbers and, before PyTorch 1.6, which part of it. */
  private storage(id: unknown): Storage {
    const [kind, type, key, , length, part] = id instanceof Tuple ? id.items : [];
    const storageType = Object.values(STORAGE_TYPES).find((candidate) => candidate === type);
    if (kind !== 'storage' || !storageType || typeof key !== 'string' || !isCount(length)) {
      return this.fail('it refers to what is not a storage');
    }
    const bytes = storageType.bytes * length;
    if ((this.sizes.get(key)?.bytes ?? bytes) !== bytes) this.fail(`storage "${key}" has two sizes`);
    this.sizes.set(key, { length, bytes });
    if (!(part instanceof Tuple)) {
      return new StorageOf(storageType, length, () => this.storageBytes(key, bytes));
    }
    const [, from, count] = part.items;
    if (!isCount(from) || !isCount(count) || from + count > length) this.fail('a storage is cut off');
    const [begin, numbers] = [from as number, count as number];
    return new StorageOf(storageType, numbers, () =>
      this.storageBytes(key, bytes).subarray(
        storageType.bytes * begin,
        storageType.bytes * (begin + numbers),
      ),
    );
  }
}

class StorageOf implements Storage {
  readonly type: string;

  constructor(
    { type }: StorageType,
    readonly length: number,
    readonly bytes: () => Uint8Array,
  ) {
    this.type = type;
  }
}

/** A zip file: `data.pkl`, `data/0`, `data/1` … in one folder of any name. */
class ZippedTorchFile extends TorchFile {
  private files: ZipFiles = new Map();
  private folder = '';

  tensors(): Map<string, StoredTensor> {
    this.files = openZip(this.file, this.where);
    const pickle = [...this.files.keys()].find((name) => /^[^/]*\/data\.pkl$/.test(name));
    if (!pickle) return this.fail('the zip file holds no data.pkl');
    this.folder = pickle.slice(0, -'data.pkl'.length);
    const order = this.files.get(`${this.folder}byteorder`)?.();
    if (order && new TextDecoder().decode(order) !== 'little') this.fail('its numbers are big-endian');
    return this.named(unpickle(this.files.get(pickle)!(), 0, this.meaning, this.where).value);
  }

  protected storageBytes(key: string, bytes: number): Uint8Array {
    const content = this.files.get(`${this.folder}data/${key}`)?.();
    if (content?.length === bytes) return content;
    const found = content ? `has ${content.length} bytes, not ${bytes}` : 'is missing';
    return this.fail(`storage "${key}" ${found}`);
  }
}

/** Five pickles, then the storages, each after its length: as PyTorch wrote before 1.6. */
class LegacyTorchFile extends TorchFile {
  private readonly storages = new Map<string, Uint8Array>();

  tensors(): Map<string, StoredTensor> {
    let at = 0;
    const next = () => {
      const { value, end } = unpickle(this.file, at, this.meaning, this.where);
      at = end;
      return value;
    };
    const [magic, protocol, system] = [next(), next(), next()];
    if (magic !== LEGACY_MAGIC || protocol !== LEGACY_PROTOCOL || !(system instanceof Map)) {
      this.fail('it is not a file of PyTorch');
    }
    if ((system as Map<unknown, unknown>).get('little_endian') !== true)
      this.fail('its numbers are big-endian');
    const dictionary = next();
    const keys = next();
    if (!Array.isArray(keys)) this.fail('it lists no storages');
    const view = new DataView(this.file.buffer, this.file.byteOffset, this.file.byteLength);
    for (const key of keys as unknown[]) {
      const size = typeof key === 'string' ? this.sizes.get(key) : undefined;
      if (typeof key !== 'string' || !size) return this.fail(`no tensor is in storage ${describeValue(key)}`);
      const end = at + 8 + size.bytes;
      if (end > this.file.length) this.fail('the file is cut off');
      if (Number(view.getBigUint64(at, true)) !== size.length) this.fail(`storage "${key}" has another size`);
      this.storages.set(key, this.file.subarray(at + 8, end));
      at = end;
    }
    return this.named(dictionary);
  }

  protected storageBytes(key: string, bytes: number): Uint8Array {
    const content = this.storages.get(key);
    if (content?.length === bytes) return content;
    return this.fail(`storage "${key}" is missing or of another size`);
  }
}

/**
 * Opens a file that torch.save wrote from a dictionary of tensors, of today's format or that before PyTorch 1.6. Nothing
 * in it is executed.
 * @param where What errors call the file.
 * @throws CallerError where it is cut off, is not such a file, or refers to anything but tensors.
 */
export function openTorchFile(file: Uint8Array, where: string): Map<string, StoredTensor> {
  const isZip = file[0] === 0x50 && file[1] === 0x4b;
  return (isZip ? new ZippedTorchFile(file, where) : new LegacyTorchFile(file, where)).tensors();
}
