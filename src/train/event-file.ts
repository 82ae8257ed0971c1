import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PbfWriter } from 'pbf';
import { crcOf } from '../base/crc.js';
import { cannotBeCreated, cannotBeWritten } from '../data/file-errors.js';

/** CRC-32C (Castagnoli). */
export const crc32c = crcOf(0x82f63b78);

/** A checksum as TFRecord files have it: rotated by 15 bits, plus a constant. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A record of a TFRecord file: its length and its bytes, each with a checksum. */
function recordOf(bytes: Uint8Array): Uint8Array {
  const record = new Uint8Array(bytes.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(bytes, 12);
  view.setUint32(12 + bytes.length, masked(crc32c(bytes)), true);
  return record;
}

/** Field numbers of the messages in TensorFlow's event.proto and summary.proto. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SUMMARY = { value: 1, tag: 1, simpleValue: 2 };
const SESSION = { status: 1, start: 1 };

function eventOf(step: number, write: (event: PbfWriter) => void): Uint8Array {
  const event = new PbfWriter();
  event.writeDoubleField(EVENT.wallTime, Date.now() / 1000);
  event.writeVarintField(EVENT.step, step);
  write(event);
  return recordOf(event.finish());
}

/** The files that this process has created, which may be several in a millisecond. */
let created = 0;

/** A file of scalars for TensorBoard. Its content is on the disk, up to the last scalar, also where the process is killed. */
export class EventFile {
  private constructor(
    private readonly path: string,
    private readonly descriptor: number,
  ) {}

  /**
   * Creates the next file of a folder.
   * @param step The first to come: TensorBoard drops what earlier files have from here on.
   * @throws ParsimonyError where the folder or the file cannot be written.
   */
  static create(folder: string, step: number): EventFile {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw cannotBeCreated(folder, error);
    }
    // TensorBoard reads the files of a folder in the order of their names.
    const name = `events.out.tfevents.${Date.now()}.${hostname()}.${process.pid}.${created++}`;
    const path = join(folder, name);
    try {
      const file = new EventFile(path, openSync(path, 'wx'));
      file.append(eventOf(0, (event) => event.writeStringField(EVENT.fileVersion, 'brain.Event:2')));
      file.append(
        eventOf(step, (event) =>
          event.writeMessage(
            EVENT.sessionLog,
            (_, session) => session.writeVarintField(SESSION.status, SESSION.start),
            undefined,
          ),
        ),
      );
      return file;
    } catch (error) {
      throw cannotBeWritten(path, error);
    }
  }

  /** Appends scalars of a step, by their tags. @throws ParsimonyError where the disk refuses. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const write = (_: unknown, summary: PbfWriter) => {
      for (const [tag, value] of Object.entries(values)) {
        summary.writeMessage(
          SUMMARY.value,
          (_, nested) => {
            nested.writeStringField(SUMMARY.tag, tag);
            nested.writeFloatField(SUMMARY.simpleValue, value);
          },
          undefined,
        );
      }
    };
    try {
      this.append(eventOf(step, (event) => event.writeMessage(EVENT.summary, write, undefined)));
    } catch (error) {
      throw cannotBeWritten(this.path, error);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private append(record: Uint8Array): void {
    writeSync(this.descriptor, record);
  }
}
