import { EngineError } from '../base/errors.js';
import { upload, Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { fitsPanels, type Panels } from '../gpu/panels.js';
import type { Layout } from '../plan/layout.js';
import { type PlanWords, planWords } from '../plan/plan-words.js';
import { type TagRunChunks, tagRunChunks } from '../plan/tag-run-chunks.js';
import { familyOfTiles } from './families/families.js';
import type { KernelFamily } from './families/family.js';

/** A layout on the GPU, as kernels read it. One object and its buffers serve many layouts, one after another. */
export class DevicePlan {
  private readonly workspace: Workspace;
  private current:
    | { layout: Layout; family: KernelFamily; at: Omit<PlanWords, 'words'>; words: GPUBuffer }
    | undefined;
  private currentChunks: (TagRunChunks & { buffer: GPUBuffer }) | undefined;

  constructor(readonly device: Device) {
    this.workspace = new Workspace(device, 'plan');
  }

  /**
   * Makes `layout` the current layout, for all commands that are recorded after this call.
   * @param heads Heads of the attention. A plan with learned biases has a table for each.
   * @throws EngineError where the device has no kernels for the tiles.
   */
  write(layout: Layout, heads = 1): void {
    const { words, ...at } = planWords(layout, heads);
    const buffer = this.workspace.floats('words', words.length);
    write(this.device, buffer, words);
    this.current = {
      layout,
      family: familyOfTiles(this.device, layout.tileConfig, layout.tokens),
      at,
      words: buffer,
    };
    if (this.currentChunks) this.device.retire(this.currentChunks.buffer);
    this.currentChunks = undefined;
  }

  get layout(): Layout {
    return this.current!.layout;
  }

  /** Whether the biases are parameters. */
  get isLearned(): boolean {
    return this.layout.heads[0].table?.learned === true;
  }

  /** The family of kernels that the plan is for. */
  get family(): KernelFamily {
    return this.current!.family;
  }

  /** The words of the plan, and the offsets of its parts. */
  get words(): { buffer: GPUBuffer; at: Omit<PlanWords, 'words'> } {
    return { buffer: this.current!.words, at: this.current!.at };
  }

  /** The tag runs of the plan in chunks, for the gradient of a bias table; computed at first use. */
  get chunks(): TagRunChunks & { buffer: GPUBuffer } {
    if (!this.currentChunks) {
      const chunks = tagRunChunks(this.layout);
      this.currentChunks = { ...chunks, buffer: upload(this.device, chunks.words, 'plan.chunks') };
    }
    return this.currentChunks;
  }

  /** A temporary buffer of a pass, with room for `floats` numbers. */
  temporary(name: string, floats: number): GPUBuffer {
    return this.workspace.floats(name, floats);
  }

  /** A matrix of all tokens as panels, one for each head. @throws EngineError where no texture of the adapter holds them. */
  panels(name: string, heads: number, headDim: number): Panels {
    const span = this.layout.lengths.reduce((most, length) => Math.max(most, length), 0);
    const shape = { rows: this.layout.tokens, panels: heads, width: headDim, span, folds: true };
    if (!fitsPanels(this.device, shape)) {
      throw new EngineError({
        what: `${heads} heads of ${headDim} for ${shape.rows} tokens`,
        expected: `what a texture of ${this.device.longestTexture} texels a side holds`,
        remedy: 'use fewer heads or a smaller batch, or open the device with `subgroups: false`',
      });
    }
    return this.workspace.panels(`${name}, ${heads} heads of ${headDim}`, shape);
  }

  release(): void {
    if (this.currentChunks) this.device.release(this.currentChunks.buffer);
    this.currentChunks = undefined;
    this.workspace.release();
  }
}
