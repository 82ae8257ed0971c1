import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../../src/base/errors.js';
import { openTorchFile } from '../../../src/train/hugging-face/torch-file.js';
import { callerErrorOf } from '../../grammar/caller-error.js';
import { runs } from '../../support/arbitraries.js';
import {
  floatTensor,
  global,
  legacyTorchFile,
  pickle,
  type StateDict,
  type TorchTensor,
  torchEntries,
  torchFile,
  unicode,
  zip,
} from '../../support/torch-file.js';

const FORMATS: [string, (state: StateDict) => Uint8Array][] = [
  ['zip', torchFile],
  ['zip, compressed', (state) => zipSync(torchEntries(state))],
  ['before 1.6', legacyTorchFile],
];

function read(file: Uint8Array): Record<string, { shape: readonly number[]; values: number[] }> {
  return Object.fromEntries(
    [...openTorchFile(file, 'f')].map(([name, { shape, read }]) => [name, { shape, values: [...read()] }]),
  );
}

const UP_TO_12 = Float32Array.from({ length: 12 }, (_, i) => i);
const shared = floatTensor('0', [12], UP_TO_12).storage;

describe.each(FORMATS)('a file of PyTorch, %s', (_, write) => {
  it('gives the tensors that were saved', () => {
    const state = new Map([
      ['a.weight', floatTensor('0', [2, 3], Float32Array.of(1, -2, 3.5, -0, 1e-40, 7))],
      ['b', floatTensor('1', [], Float32Array.of(9))],
      ['empty', floatTensor('2', [0, 4], new Float32Array())],
    ]);
    expect(read(write(state))).toEqual({
      'a.weight': { shape: [2, 3], values: [1, -2, 3.5, -0, Math.fround(1e-40), 7] },
      b: { shape: [], values: [9] },
      empty: { shape: [0, 4], values: [] },
    });
  });

  it('follows offsets and strides, also of shared storages', () => {
    const state = new Map<string, TorchTensor>([
      ['tail', { storage: shared, offset: 8, shape: [2, 2] }],
      ['turned', { storage: shared, shape: [4, 3], strides: [1, 4] }],
      ['every second', { storage: shared, offset: 1, shape: [3], strides: [4] }],
      ['deep', { storage: shared, shape: [2, 1, 2, 3], strides: [6, 99, 1, 2] }],
    ]);
    expect(read(write(state))).toEqual({
      tail: { shape: [2, 2], values: [8, 9, 10, 11] },
      turned: { shape: [4, 3], values: [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11] },
      'every second': { shape: [3], values: [1, 5, 9] },
      deep: { shape: [2, 1, 2, 3], values: [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11] },
    });
  });

  it('widens f16 and bf16, and reads no integers', () => {
    const halves = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c);
    const brains = Uint8Array.of(0x80, 0x3f, 0x49, 0xc0);
    const state = new Map<string, TorchTensor>([
      ['f16', { storage: { key: '0', type: 'Half', bytes: halves }, shape: [4] }],
      ['bf16', { storage: { key: '1', type: 'BFloat16', bytes: brains }, shape: [2] }],
    ]);
    const values = read(write(state));
    expect(values.f16.values).toEqual([1, -2, 2 ** -24, Number.POSITIVE_INFINITY]);
    expect(values.bf16.values).toEqual([1, -3.140625]);
    const long: TorchTensor = { storage: { key: '0', type: 'Long', bytes: new Uint8Array(16) }, shape: [2] };
    const tensors = openTorchFile(write(new Map([['position_ids', long]])), 'f');
    expect(callerErrorOf(() => tensors.get('position_ids')!.read()).message).toBe(
      'f: tensor "position_ids" is of type I64; expected F64, F32, F16 or BF16',
    );
  });

  it.each<[string, TorchTensor]>([
    ['ends after its storage', { storage: shared, offset: 11, shape: [2] }],
    ['strides out of it', { storage: shared, shape: [2, 2], strides: [12, 1] }],
    ['repeats it', { storage: shared, shape: [1000, 1000], strides: [0, 0] }],
  ])('refuses a tensor that %s', (_name, tensor) => {
    const { message } = callerErrorOf(() => openTorchFile(write(new Map([['a', tensor]])), 'f'));
    expect(message).toMatch(/^f: tensor "a" looks beyond the end of its storage of 12 numbers/);
  });

  it('refuses a file that is cut off anywhere', () => {
    const whole = write(
      new Map([
        ['a', floatTensor('0', [6], UP_TO_12.slice(6))],
        ['b', floatTensor('1', [2], Float32Array.of(1, 2))],
      ]),
    );
    for (let length = 0; length < whole.length; length++) {
      const { message } = callerErrorOf(() => read(whole.subarray(0, length)));
      expect(message.startsWith('f: '), message).toBe(true);
    }
  });

  it('is read or refused, without another error, after any bytes change', () => {
    const whole = write(new Map([['a', { storage: shared, offset: 1, shape: [2, 2] }]]));
    fc.assert(
      fc.property(
        fc.nat({ max: whole.length - 1 }),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (at, bytes) => {
          const changed = Uint8Array.from(whole);
          changed.set(bytes.subarray(0, whole.length - at), at);
          try {
            read(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(CallerError);
          }
        },
      ),
      runs(2000),
    );
  });
});

describe('a hostile pickle is refused', () => {
  const state = new Map([['a', floatTensor('0', [2], Float32Array.of(1, 2))]]);
  const withPickle = (content: readonly number[]) =>
    zip({ ...torchEntries(state), 'archive/data.pkl': pickle(content) });
  const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));
  const messageOf = (file: Uint8Array) => callerErrorOf(() => read(file)).message;

  it.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['torch', 'load'],
    ['torch', 'constructor'],
    ['torch._utils', '_rebuild_device_tensor_from_numpy'],
    ['collections', 'Counter'],
  ])('that names %s.%s', (module, name) => {
    const commands = [...global(module, name), ...unicode('echo'), 0x85, ...ascii('R')];
    expect(messageOf(withPickle(commands))).toMatch(
      new RegExp(`^f: it would have Python look up "${module}\\.${name}"; expected nothing but tensors`),
    );
    // The same by the opcode of protocol 4, and in the older format.
    const onStack = [...unicode(module), ...unicode(name), 0x93];
    expect(messageOf(withPickle(onStack))).toContain(`"${module}.${name}"`);
    expect(messageOf(pickle(commands))).toContain(`"${module}.${name}"`);
  });

  it.each<[string, number[], RegExp]>([
    ['instances of classes', [...ascii('(i'), ...ascii('os\nsystem\n')], /operation 0x69/],
    ['new objects', [...global('collections', 'OrderedDict'), ...ascii(')'), 0x81], /operation 0x81/],
    ['extensions', [0x82, 1], /operation 0x82/],
    [
      'calls of something other than a tensor',
      [...global('torch', 'FloatStorage'), ...ascii(')R')],
      /calls what is not a tensor/,
    ],
    ['a tensor of nothing', [...global('torch._utils', '_rebuild_tensor_v2'), ...ascii(')R')], /no storage/],
    ['state for a list', ascii(']}b'), /builds what is not a dictionary/],
    ['items of a number', [...ascii('K\x01K\x02K\x03s')], /not a dictionary/],
    ['more than its stack has', ascii('R'), /takes more than it has/],
    ['what it has not stored', ascii('h\x07'), /recalls number 7/],
    ['a text longer than the file', [...ascii('X'), 255, 255, 255, 127], /cut off/],
    ['a persistent id of another kind', [...unicode('file:///etc/passwd'), ...ascii('Q')], /not a storage/],
    ['a list of tensors', ascii(']'), /no dictionary/],
    [
      'a dictionary of numbers',
      [...ascii('}'), ...unicode('epoch'), ...ascii('K\x03s')],
      /entry "epoch" is not a tensor/,
    ],
  ])('that has %s', (_, content, says) => {
    expect(messageOf(withPickle(content))).toMatch(says);
  });

  it('whose storage is missing, of another size, or damaged', () => {
    const { 'archive/data/0': bytes, ...rest } = torchEntries(state);
    expect(messageOf(zip(rest))).toMatch(/storage "0" is missing/);
    expect(messageOf(zip({ ...rest, 'archive/data/0': bytes.subarray(4) }))).toMatch(
      /"0" has 4 bytes, not 8/,
    );
    const damaged = zip({ ...rest, 'archive/data/0': bytes }, () => 1);
    expect(messageOf(damaged)).toMatch(/is damaged: its checksum is another/);
  });

  it('whose compressed entries are damaged, use another method, or unpack to more than their size allows', () => {
    const file = zipSync(torchEntries(state));
    const directory = new DataView(file.buffer).getUint32(file.length - 6, true);
    const withByte = (at: number, byte: number) => {
      const changed = file.slice();
      changed[directory + at] = byte;
      return messageOf(changed);
    };
    const entry = /^f: "archive\/data\.pkl" /.source;
    expect(withByte(10, 12)).toMatch(new RegExp(`${entry}is compressed by method 12`));
    expect(withByte(16, file[directory + 16] ^ 1)).toMatch(new RegExp(`${entry}is damaged`));
    for (const size of [0, 255]) expect(withByte(24, size)).toMatch(new RegExp(`${entry}is damaged`));
    expect(withByte(27, 16)).toMatch(
      new RegExp(`${entry}unpacks to 268\\d{6} bytes, and all to at most 67\\d{6};`),
    );
  });

  it('that has an entry twice', () => {
    const twice = zip({ ...torchEntries(state), 'archive/data/1': Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    const name = new TextEncoder().encode('archive/data/');
    // The second storage gets the first one's name, wherever it occurs.
    for (let at = 0; at < twice.length - name.length; at++) {
      const isName = name.every((byte, index) => twice[at + index] === byte);
      if (isName && twice[at + name.length] === 0x31) twice[at + name.length] = 0x30;
    }
    expect(messageOf(twice)).toMatch(/"archive\/data\/0" is there twice/);
  });

  it('whose names are deep lists', () => {
    const deep = [
      ...ascii('}'),
      ...ascii(']'.repeat(30_000)),
      ...ascii('a'.repeat(29_999)),
      ...ascii('K\x01s'),
    ];
    expect(messageOf(withPickle(deep))).toMatch(/its entry a list is not a tensor/);
  });

  it('of the older format, with a storage of another length than its tensor', () => {
    const file = legacyTorchFile(state);
    new DataView(file.buffer).setUint8(file.length - 16, 3);
    expect(messageOf(file)).toMatch(/storage "0" has another size/);
  });

  it('that is big-endian, or not a pickle', () => {
    const big = zip({ ...torchEntries(state), 'archive/byteorder': new TextEncoder().encode('big') });
    expect(messageOf(big)).toMatch(/big-endian/);
    expect(messageOf(zip({ 'archive/version': Uint8Array.of(51) }))).toMatch(/holds no data\.pkl/);
    expect(messageOf(new TextEncoder().encode('<!doctype html>'))).toMatch(/^f: the pickle cannot be read/);
  });
});
