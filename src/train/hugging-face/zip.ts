import { inflateSync } from 'fflate';
import { crcOf } from '../../base/crc.js';
import { describeValue } from '../../base/describe-value.js';
import { CallerError } from '../../base/errors.js';

const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;
const DIRECTORY_END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;

const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
/** The value of a 32-bit field whose number is in a 64-bit field. */
const ELSEWHERE = 0xffffffff;

const STORED = 0;
const DEFLATED = 8;

/**
 * What a file's compressed entries may unpack to: weights shrink by a tenth, tensors of zeros and pickles by more. A few
 * megabytes that unpack to gigabytes are an attack.
 */
const mostUnpacked = (fileBytes: number) => 2 ** 26 + 32 * fileBytes;

const crc32 = crcOf(0xedb88320);

interface Entry {
  name: string;
  method: number;
  checksum: number;
  packed: number;
  size: number;
  at: number;
}

/** Functions that read the files, by name. */
export type ZipFiles = Map<string, () => Uint8Array>;

/**
 * A zip file (PKWARE's APPNOTE.TXT, 4.3 and 4.5). torch.save stores its entries, other tools compress them. fflate's own
 * reader of zip files does not compare checksums, so it would accept damaged weights.
 */
class Zip {
  private readonly view: DataView;
  private unpacked = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly where: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  files(): ZipFiles {
    const { at, entries } = this.directory();
    const files: ZipFiles = new Map();
    let next = at;
    for (let index = 0; index < entries; index++) {
      const { entry, end } = this.entryAt(next);
      if (files.has(entry.name)) this.fail(`${describeValue(entry.name)} is there twice`);
      let content: Uint8Array | undefined;
      files.set(entry.name, () => {
        content ??= this.content(entry);
        return content;
      });
      next = end;
    }
    return files;
  }

  private directory(): { at: number; entries: number } {
    const end = this.directoryEnd();
    const entries = this.word16(end + 10);
    const at = this.word32(end + 16);
    if ((entries !== 0xffff && at !== ELSEWHERE) || end < 20 || this.word32(end - 20) !== LOCATOR_64) {
      return { at, entries };
    }
    const end64 = this.word64(end - 20 + 8);
    if (this.word32(end64) !== DIRECTORY_END_64) this.fail('its directory is not where it says');
    return { at: this.word64(end64 + 48), entries: this.word64(end64 + 32) };
  }

  private directoryEnd(): number {
    const last = this.bytes.length - END_BYTES;
    for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
      if (this.word32(at) === DIRECTORY_END) return at;
    }
    return this.fail('the file is cut off');
  }

  private entryAt(at: number): { entry: Entry; end: number } {
    if (this.word32(at) !== DIRECTORY_ENTRY) this.fail('its directory is damaged');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => this.word16(at + offset));
    const nameAt = at + 46;
    const extraAt = nameAt + nameBytes;
    const entry = {
      name: new TextDecoder().decode(this.part(nameAt, nameBytes)),
      method: this.word16(at + 10),
      checksum: this.word32(at + 16),
      packed: this.word32(at + 20),
      size: this.word32(at + 24),
      at: this.word32(at + 42),
    };
    if ([entry.size, entry.packed, entry.at].includes(ELSEWHERE)) this.widen(entry, extraAt, extraBytes);
    return { entry, end: extraAt + extraBytes + commentBytes };
  }

  /** Sizes and offsets of 64 bits are in the extra field of number 1, in the order of the fields that lack them. */
  private widen(entry: Entry, extraAt: number, extraBytes: number): void {
    let field = extraAt;
    while (field + 4 <= extraAt + extraBytes && this.word16(field) !== 1) field += 4 + this.word16(field + 2);
    if (field + 4 > extraAt + extraBytes) this.fail('its directory is damaged');
    let value = field + 4;
    for (const key of ['size', 'packed', 'at'] as const) {
      if (entry[key] !== ELSEWHERE) continue;
      entry[key] = this.word64(value);
      value += 8;
    }
  }

  private content(entry: Entry): Uint8Array {
    const { name, method, checksum, packed, size, at } = entry;
    if (this.word32(at) !== LOCAL_HEADER) this.fail(`${describeValue(name)} is not where the directory says`);
    const bytes = this.part(at + 30 + this.word16(at + 26) + this.word16(at + 28), packed);
    if (method !== STORED && method !== DEFLATED)
      this.fail(`${describeValue(name)} is compressed by method ${method}`);
    const content = method === STORED ? bytes : this.inflated(bytes, entry);
    if (content.length !== size || crc32(content) !== checksum) {
      this.fail(`${describeValue(name)} is damaged: its checksum is another`);
    }
    return content;
  }

  private inflated(bytes: Uint8Array, { name, size }: Entry): Uint8Array {
    this.unpacked += size;
    const most = mostUnpacked(this.bytes.length);
    if (this.unpacked > most)
      this.fail(`${describeValue(name)} unpacks to ${size} bytes, and all to at most ${most}`);
    try {
      return inflateSync(bytes, { out: new Uint8Array(size) });
    } catch {
      return this.fail(`${describeValue(name)} is damaged: it cannot be unpacked`);
    }
  }

  private part(at: number, length: number): Uint8Array {
    if (at + length > this.bytes.length) this.fail('the file is cut off');
    return this.bytes.subarray(at, at + length);
  }

  private word16(at: number): number {
    this.part(at, 2);
    return this.view.getUint16(at, true);
  }

  private word32(at: number): number {
    this.part(at, 4);
    return this.view.getUint32(at, true);
  }

  private word64(at: number): number {
    this.part(at, 8);
    return Number(this.view.getBigUint64(at, true));
  }

  private fail(what: string): never {
    throw new CallerError({
      what,
      where: this.where,
      expected: 'a whole zip file, as torch.save writes it',
      remedy: 'copy or save the file again',
    });
  }
}

/**
 * Opens a zip file.
 * @param where What errors call the file.
 * @throws CallerError where it is cut off or damaged; and, when an entry is read, where that is.
 */
export function openZip(bytes: Uint8Array, where: string): ZipFiles {
  return new Zip(bytes, where).files();
}
