import { CallerError } from '../../base/errors.js';

/** A tuple, as opposed to a list: a key, a list of arguments, or a persistent id. */
export class Tuple {
  constructor(readonly items: readonly unknown[]) {}
}

/** The meaning of what a pickle refers to. Nothing in a pickle is executed. */
export interface PickleMeaning {
  /** The value of a global. @throws CallerError for all others than those of tensors. */
  global(module: string, name: string): unknown;
  /** The result of a call of a global. @throws CallerError where it is not a tensor. */
  call(global: unknown, args: readonly unknown[]): unknown;
  /** The value outside of the pickle that has this id. @throws CallerError where there is none. */
  persistent(id: unknown): unknown;
}

const MARK = Symbol('mark');

type Operation = (reader: PickleReader) => void;

/**
 * The operations of torch.save's pickles of tensors (Python's pickletools.py, protocols 2 to 4), by their byte. None of them
 * builds an object of a class.
 */
const OPERATIONS: Readonly<Record<number, Operation>> = {
  128: (r) => r.protocol(),
  149: (r) => void r.integer64(), // FRAME
  [code('(')]: (r) => r.push(MARK),
  [code('0')]: (r) => void r.pop(),
  [code('N')]: (r) => r.push(null),
  136: (r) => r.push(true),
  137: (r) => r.push(false),
  [code('J')]: (r) => r.push(r.view(4).getInt32(0, true)),
  [code('K')]: (r) => r.push(r.byte()),
  [code('M')]: (r) => r.push(r.view(2).getUint16(0, true)),
  138: (r) => r.push(r.long(r.byte())),
  [code('G')]: (r) => r.push(r.view(8).getFloat64(0)),
  [code('X')]: (r) => r.push(r.text(r.length32())),
  140: (r) => r.push(r.text(r.byte())),
  141: (r) => r.push(r.text(r.integer64())),
  [code('U')]: (r) => r.push(r.text(r.byte())),
  [code('T')]: (r) => r.push(r.text(r.length32())),
  [code(')')]: (r) => r.push(new Tuple([])),
  [code('t')]: (r) => r.push(new Tuple(r.popToMark())),
  133: (r) => r.push(new Tuple(r.popMany(1))),
  134: (r) => r.push(new Tuple(r.popMany(2))),
  135: (r) => r.push(new Tuple(r.popMany(3))),
  [code(']')]: (r) => r.push([]),
  [code('l')]: (r) => r.push(r.popToMark()),
  [code('a')]: (r) => r.append(r.popMany(1)),
  [code('e')]: (r) => r.append(r.popToMark()),
  [code('}')]: (r) => r.push(new Map()),
  [code('d')]: (r) => {
    const items = r.popToMark();
    r.push(new Map());
    r.setItems(items);
  },
  [code('s')]: (r) => r.setItems(r.popMany(2)),
  [code('u')]: (r) => r.setItems(r.popToMark()),
  [code('q')]: (r) => r.keep(r.byte()),
  [code('r')]: (r) => r.keep(r.length32()),
  148: (r) => r.keep(),
  [code('h')]: (r) => r.recall(r.byte()),
  [code('j')]: (r) => r.recall(r.length32()),
  [code('c')]: (r) => r.global(r.line(), r.line()),
  147: (r) => {
    const [module, name] = r.popMany(2);
    r.global(module, name);
  },
  [code('Q')]: (r) => r.push(r.meaning.persistent(r.pop())),
  [code('R')]: (r) => r.call(),
  [code('b')]: (r) => r.build(),
};

function code(character: string): number {
  return character.charCodeAt(0);
}

const STOP = code('.');

/** A stack machine over the bytes of a pickle. */
class PickleReader {
  private stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly bytes: DataView;

  constructor(
    file: Uint8Array,
    private at: number,
    readonly meaning: PickleMeaning,
    private readonly where: string,
  ) {
    this.bytes = new DataView(file.buffer, file.byteOffset, file.byteLength);
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const operation = this.byte();
      if (operation === STOP) return { value: this.pop(), end: this.at };
      const perform = OPERATIONS[operation];
      if (!perform) this.fail(`byte ${this.at - 1} is operation 0x${operation.toString(16)}`);
      perform(this);
    }
  }

  protocol(): void {
    const protocol = this.byte();
    if (protocol > 5) this.fail(`it is of protocol ${protocol}`);
  }

  /** The next bytes. */
  view(length: number): DataView {
    if (this.at + length > this.bytes.byteLength) this.fail('it is cut off');
    this.at += length;
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at - length, length);
  }

  byte(): number {
    return this.view(1).getUint8(0);
  }

  length32(): number {
    return this.view(4).getUint32(0, true);
  }

  integer64(): number {
    return Number(this.view(8).getBigUint64(0, true));
  }

  /** An integer of `length` bytes, in two's complement; a bigint where a number cannot hold it. */
  long(length: number): number | bigint {
    const view = this.view(length);
    let value = 0n;
    for (let byte = length - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(view.getUint8(byte));
    const signed = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  text(length: number): string {
    return new TextDecoder().decode(this.view(length));
  }

  line(): string {
    const start = this.at;
    while (this.byte() !== 10);
    return new TextDecoder().decode(
      new DataView(this.bytes.buffer, this.bytes.byteOffset + start, this.at - 1 - start),
    );
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    return this.popMany(1)[0];
  }

  popMany(count: number): unknown[] {
    if (this.stack.length < count) this.fail('it takes more than it has');
    const items = this.stack.splice(this.stack.length - count, count);
    if (items.includes(MARK)) this.fail('it takes more than it has');
    return items;
  }

  popToMark(): unknown[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) this.fail('it takes more than it has');
    const items = this.stack.splice(mark);
    return items.slice(1);
  }

  append(items: unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.fail('it appends to what is not a list');
    for (const item of items) (list as unknown[]).push(item);
  }

  setItems(items: unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map) || items.length % 2 !== 0)
      this.fail('it sets an item of what is not a dictionary');
    for (let i = 0; i < items.length; i += 2) (map as Map<unknown, unknown>).set(items[i], items[i + 1]);
  }

  keep(index = this.memo.size): void {
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.memo.has(index)) this.fail(`it recalls number ${index}, which it has not stored`);
    this.push(this.memo.get(index));
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      this.fail('it names a global that is not text');
    this.push(this.meaning.global(module as string, name as string));
  }

  call(): void {
    const [global, args] = this.popMany(2);
    if (!(args instanceof Tuple)) this.fail('it calls without a list of arguments');
    this.push(this.meaning.call(global, (args as Tuple).items));
  }

  /** Drops what torch.save adds to a dictionary (`_metadata`, versions of modules): it does not change tensors. */
  build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) this.fail('it builds what is not a dictionary');
  }

  private top(): unknown {
    const top = this.stack.at(-1);
    if (this.stack.length === 0 || top === MARK) this.fail('it takes more than it has');
    return top;
  }

  private fail(what: string): never {
    throw new CallerError({
      what: `the pickle cannot be read: ${what}`,
      where: this.where,
      expected: 'a dictionary of tensors, as torch.save(model.state_dict()) writes it',
    });
  }
}

/**
 * Reads a pickle as data: numbers, texts, lists, dictionaries (as Maps), tuples, and the values of `meaning` for all else.
 * @param at Its offset in `file`.
 * @param where What errors call the file.
 * @returns Its value, and where it ends.
 * @throws CallerError where it is cut off, or does anything else.
 */
export function unpickle(
  file: Uint8Array,
  at: number,
  meaning: PickleMeaning,
  where: string,
): { value: unknown; end: number } {
  return new PickleReader(file, at, meaning, where).run();
}
