import { crc32 } from 'node:zlib';

/** Files with the same structure as those of torch.save (compared with files of PyTorch 2.13). */

type TorchType = 'Float' | 'Half' | 'BFloat16' | 'Long';

/** A tensor as a state dictionary holds it: a view of a storage, which several may share. */
export interface TorchTensor {
  storage: { key: string; type: TorchType; bytes: Uint8Array };
  offset?: number;
  shape: readonly number[];
  /** Those of a contiguous tensor by default. */
  strides?: readonly number[];
}

export type StateDict = ReadonlyMap<string, TorchTensor>;

const BYTES: Record<TorchType, number> = { Float: 4, Half: 2, BFloat16: 2, Long: 8 };

const latin = (text: string) => [...text].map((character) => character.charCodeAt(0));

function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, byte) => Math.floor(value / 2 ** (8 * byte)) % 256);
}

export function unicode(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [...latin('X'), ...little(bytes.length, 4), ...bytes];
}

export function global(module: string, name: string): number[] {
  return latin(`c${module}\n${name}\n`);
}

function integer(value: number): number[] {
  if (value < 256) return [...latin('K'), value];
  return value < 65_536 ? [...latin('M'), ...little(value, 2)] : [...latin('J'), ...little(value, 4)];
}

function integers(values: readonly number[]): number[] {
  const items = values.flatMap(integer);
  if (values.length === 0) return latin(')');
  return values.length <= 3 ? [...items, 0x84 + values.length] : [...latin('('), ...items, ...latin('t')];
}

function contiguous(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict())` */
function tensorPickle({ storage, offset = 0, shape, strides }: TorchTensor, isLegacy: boolean): number[] {
  const id = [
    ...unicode('storage'),
    ...global('torch', `${storage.type}Storage`),
    ...unicode(storage.key),
    ...unicode('cpu'),
    ...integer(storage.bytes.length / BYTES[storage.type]),
    ...(isLegacy ? latin('N') : []),
  ];
  return [
    ...global('torch._utils', '_rebuild_tensor_v2'),
    ...latin('(('),
    ...id,
    ...latin('tQ'),
    ...integer(offset),
    ...integers(shape),
    ...integers(strides ?? contiguous(shape)),
    0x89,
    ...global('collections', 'OrderedDict'),
    ...latin(')Rt'),
    ...latin('R'),
  ];
}

export function pickle(content: readonly number[]): Uint8Array {
  return Uint8Array.of(0x80, 2, ...content, ...latin('.'));
}

/** An OrderedDict of tensors with the `_metadata` that `state_dict()` adds, with a memo entry that is stored and loaded. */
function statePickle(state: StateDict, isLegacy = false): Uint8Array {
  const items = [...state].flatMap(([name, tensor]) => [...unicode(name), ...tensorPickle(tensor, isLegacy)]);
  const metadata = [...latin('}q\x01'), ...unicode('_metadata'), ...latin('h\x01'), ...latin('s')];
  return pickle([
    ...global('collections', 'OrderedDict'),
    ...latin(')Rq\x00('),
    ...items,
    ...latin('u'),
    ...metadata,
    ...latin('b'),
  ]);
}

/** A zip file of stored entries. */
export function zip(files: Readonly<Record<string, Uint8Array>>, checksum = crc32): Uint8Array {
  const local: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    // torch.save pads the numbers to a multiple of 64 with an extra field named FB.
    const padding = (64 - ((at + 30 + name.length + 4) % 64)) % 64;
    const extra = [...latin('FB'), ...little(padding, 2), ...new Array(padding).fill(0x5a)];
    const sizes = [
      ...little(checksum(content), 4),
      ...little(content.length, 4),
      ...little(content.length, 4),
    ];
    const common = [0, 0, 0, 0, 0, 0, 0, 0, ...sizes, ...little(name.length, 2)];
    const header = [
      ...latin('PK\x03\x04'),
      0,
      0,
      ...common,
      ...little(extra.length, 2),
      ...latin(name),
      ...extra,
    ];
    directory.push(
      Uint8Array.from([
        ...latin('PK\x01\x02'),
        ...[0, 0, 0, 0],
        ...common,
        ...new Array(12).fill(0),
        ...little(at, 4),
        ...latin(name),
      ]),
    );
    local.push(Uint8Array.from(header), content);
    at += header.length + content.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = little(directory.length, 2);
  const end = [
    ...latin('PK\x05\x06'),
    0,
    0,
    0,
    0,
    ...count,
    ...count,
    ...little(size, 4),
    ...little(at, 4),
    0,
    0,
  ];
  return new Uint8Array(Buffer.concat([...local, ...directory, Uint8Array.from(end)]));
}

function storagesOf(state: StateDict): Map<string, Uint8Array> {
  return new Map([...state.values()].map(({ storage }) => [storage.key, storage.bytes]));
}

/** The entries of the zip file that `torch.save(state)` writes. */
export function torchEntries(state: StateDict): Record<string, Uint8Array> {
  const text = (content: string) => new TextEncoder().encode(content);
  return {
    'archive/data.pkl': statePickle(state),
    'archive/.format_version': text('1'),
    'archive/.storage_alignment': text('64'),
    'archive/byteorder': text('little'),
    ...Object.fromEntries([...storagesOf(state)].map(([key, bytes]) => [`archive/data/${key}`, bytes])),
    'archive/version': text('3\n'),
    'archive/.data/serialization_id': text('0'.repeat(40)),
  };
}

/** `torch.save(state)` */
export function torchFile(state: StateDict): Uint8Array {
  return zip(torchEntries(state));
}

/** `torch.save(state, _use_new_zipfile_serialization=False)`, the only format before PyTorch 1.6. */
export function legacyTorchFile(state: StateDict): Uint8Array {
  const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
  const system = [...latin('}('), ...unicode('little_endian'), 0x88, ...latin('u')];
  const storages = storagesOf(state);
  const keys = [...latin(']('), ...[...storages.keys()].flatMap(unicode), ...latin('e')];
  const types = new Map([...state.values()].map(({ storage }) => [storage.key, storage.type]));
  const content = [...storages].flatMap(([key, bytes]) => [
    Uint8Array.from(little(bytes.length / BYTES[types.get(key)!], 8)),
    bytes,
  ]);
  const pickles = [
    pickle(magic),
    pickle(integer(1001)),
    pickle(system),
    statePickle(state, true),
    pickle(keys),
  ];
  return new Uint8Array(Buffer.concat([...pickles, ...content]));
}

/** A contiguous tensor of f32 numbers that has the whole of its storage. */
export function floatTensor(key: string, shape: readonly number[], values: Float32Array): TorchTensor {
  const bytes = new Uint8Array(values.slice().buffer);
  return { storage: { key, type: 'Float', bytes }, shape };
}
