import type { Cell, Experiment } from '../train/experiment/experiment.js';
import { orderedCells } from '../train/experiment/grid-cells.js';
import { note, type ProgressDisplay, progress } from './terminal.js';

/** A cell that is running, with its progress if it is known. */
interface Running {
  step: number;
  totalSteps: number;
}

/** Cells that are listed in the line of progress. */
const MOST_SHOWN = 4;

/** The live progress of a whole grid on standard error: cells that are finished, that run, and that failed. */
export class GridDisplay {
  private readonly display: ProgressDisplay;
  private readonly running = new Map<string, Running>();
  private done = 0;
  private failed = 0;

  constructor(experiment: Experiment, only?: readonly string[]) {
    const total = orderedCells(experiment, only).length;
    this.display = progress({ label: experiment.name, total, unit: 'cells' });
  }

  onProgress(id: string, running: Running): void {
    this.running.set(id, running);
    this.show();
  }

  /** Replaces the list of running cells. */
  setRunning(running: ReadonlyMap<string, Running>): void {
    this.running.clear();
    for (const [id, each] of running) this.running.set(id, each);
    this.show();
  }

  /** What `runGrid` and `runQueuedGrid` call for each cell that ends. @param failed Called for each that failed, too. */
  hooks(failed: (cell: Cell, error: string) => void) {
    return {
      onResult: ({ id }: Cell): void => {
        this.done++;
        this.onEnd(id);
        this.show();
      },
      onFailure: (cell: Cell, error: string): void => {
        this.failed++;
        this.onEnd(cell.id);
        note(`${cell.id} failed: ${error}`);
        this.show();
        failed(cell, error);
      },
    };
  }

  /** A cell that neither finished nor failed does not run any more. */
  onEnd(id: string): void {
    this.running.delete(id);
  }

  stop(): void {
    this.display.stop();
  }

  private show(): void {
    const cells = [...this.running].map(
      ([id, { step, totalSteps }]) => `${id} ${Math.floor((100 * step) / Math.max(1, totalSteps))} %`,
    );
    const more = cells.length > MOST_SHOWN ? [`${cells.length - MOST_SHOWN} more`] : [];
    const failed = this.failed > 0 ? [`${this.failed} failed`] : [];
    this.display.update(
      this.done + this.failed,
      [...failed, ...cells.slice(0, MOST_SHOWN), ...more].join(', '),
    );
  }
}
