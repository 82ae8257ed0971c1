import { CallerError } from '../base/errors.js';
import { shuffledBatches } from './batches.js';
import type { DataSource, Split } from './dataset.js';

/** A source whose dev is a share of its training rows, drawn with a seed. Both splits have the order of the file. */
export class DevShareSource implements DataSource {
  /**
   * @param source Has no split dev.
   * @param share Above 0 and below 1; each split gets one row at least.
   */
  constructor(
    private readonly source: DataSource,
    private readonly share: number,
    private readonly seed: number,
  ) {}

  get name() {
    return this.source.name;
  }

  get classes() {
    return this.source.classes;
  }

  get byNumber() {
    return this.source.byNumber;
  }

  /** @throws CallerError where one row would be in both splits. */
  async examples(split: Split) {
    return this.partOf(split, await this.source.examples(split === 'dev' ? 'train' : split));
  }

  async texts(split: Split) {
    return this.partOf(split, await this.source.texts(split === 'dev' ? 'train' : split));
  }

  nameOf(split: Split): string {
    if (split === 'test') return this.source.nameOf(split);
    const train = this.source.nameOf('train');
    return split === 'train' ? `${train} without --dev-share` : `${train}, --dev-share ${this.share}`;
  }

  private partOf<Row>(split: Split, rows: Row[]): Row[] {
    if (split === 'test') return rows;
    if (rows.length < 2) {
      throw new CallerError({
        what: `${rows.length} rows in ${this.source.nameOf('train')}`,
        where: '--dev-share',
        expected: 'two at least: one to train on, and one for dev',
      });
    }
    const count = Math.min(rows.length - 1, Math.max(1, Math.round(this.share * rows.length)));
    // Epochs of training count from 1, so that no epoch has this order.
    const [dev] = shuffledBatches(rows.length, count, this.seed, 0);
    const isDev = new Set(dev);
    return rows.filter((_, row) => isDev.has(row) === (split === 'dev'));
  }
}
