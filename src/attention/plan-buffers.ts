import { upload, Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { Plan } from '../plan/plan.js';
import { type PlanWords, planWords } from '../plan/plan-words.js';
import { type RectangleWords, rectangleWords } from '../plan/rectangles.js';
import { familyOfTiles, type KernelFamily } from './kernel-family.js';

/** A plan on the GPU. One object serves many plans one after another, and its buffers with it. */
export class PlanBuffers {
  private readonly workspace: Workspace;
  private current:
    | { plan: Plan; family: KernelFamily; at: Omit<PlanWords, 'words'>; words: GPUBuffer }
    | undefined;
  private rectangleWords: (RectangleWords & { buffer: GPUBuffer }) | undefined;

  constructor(readonly device: Device) {
    this.workspace = new Workspace(device, 'plan');
  }

  /**
   * Makes `plan` the current one: what is recorded from now on works on it.
   * @throws EngineError where the device has no kernels for its tiles.
   */
  write(plan: Plan): void {
    const { words, ...at } = planWords(plan);
    const buffer = this.workspace.floats('words', words.length);
    write(this.device, buffer, words);
    this.current = { plan, family: familyOfTiles(this.device, plan.shape), at, words: buffer };
    if (this.rectangleWords) this.device.retire(this.rectangleWords.buffer);
    this.rectangleWords = undefined;
  }

  get plan(): Plan {
    return this.current!.plan;
  }

  /** The kernels that the plan is made for. */
  get family(): KernelFamily {
    return this.current!.family;
  }

  /** The words of the plan, and where its parts begin. */
  get words(): { buffer: GPUBuffer; at: Omit<PlanWords, 'words'> } {
    return { buffer: this.current!.words, at: this.current!.at };
  }

  /** The rectangles of the plan, made when first asked for. */
  get rectangles(): RectangleWords & { buffer: GPUBuffer } {
    if (!this.rectangleWords) {
      const rectangles = rectangleWords(this.plan);
      this.rectangleWords = {
        ...rectangles,
        buffer: upload(this.device, rectangles.words, 'plan.rectangles'),
      };
    }
    return this.rectangleWords;
  }

  /** L and Δ of every row, a temporary of the backward pass; one for each number of heads that a caller encodes. */
  statistics(heads: number): GPUBuffer {
    return this.workspace.floats(`statistics of ${heads} heads`, 2 * this.plan.tokens * heads);
  }

  /** The sums over rectangles, a temporary of the bias table's gradient. */
  rectangleSums(heads: number): GPUBuffer {
    return this.workspace.floats(`rectangle sums of ${heads} heads`, heads * this.rectangles.rangeCount);
  }

  release(): void {
    if (this.rectangleWords) this.device.release(this.rectangleWords.buffer);
    this.rectangleWords = undefined;
    this.workspace.release();
  }
}
