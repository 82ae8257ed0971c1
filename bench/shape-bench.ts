import { median } from 'simple-statistics';
import { choicesFor, tilesOn } from '../src/attention/kernel-choices.js';
import { CallerError } from '../src/base/errors.js';
import { createStorage, write } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { randomRules } from '../src/grammar/density-rules.js';
import type { RuleSet } from '../src/grammar/rules.js';
import { TagPairCounts } from '../src/grammar/tag-pair-counts.js';
import { percent } from '../src/report/page/numbers.js';
import { sequencesOf, tokensWithoutPairs } from './allowed-pairs.js';
import { AttentionImplementation, type Variant } from './attention-implementation.js';
import { type AttentionRow, attentionRow, type Measured } from './attention-row.js';
import { type AttentionSweep, hasBackward } from './attention-settings.js';
import type { BenchOptions } from './bench-report.js';
import type { Contender } from './contender.js';
import { ContenderImplementation } from './contender-implementation.js';
import { type ContenderRow, contenderRow } from './contender-row.js';
import { both, type GateResult } from './gate.js';
import { type Inputs, randomInputs, type Workload } from './inputs.js';
import { DATA_LABELS } from './label-layouts.js';
import { machineOf } from './machine-probe.js';
import { predictedTime } from './predicted-schedule.js';
import { untilNarrow } from './statistics.js';
import { runsForTurn, timeInTurns } from './timing.js';

/** A stage of the preparation before attention runs, and its time. */
export interface PreparationRow {
  stage: 'tagging and tokenizing' | 'sorting' | 'planning' | 'upload of query, key and value';
  /** Tokens of a sequence, the rounded mean. */
  length: number;
  /** Sequences of the packed batch. */
  batch: number;
  /** Milliseconds for the whole batch; the median where it was timed more than once. */
  medianMs: number;
}

/** The results of a sweep's shapes, in the order in which they were measured. */
export interface ShapeResults {
  /** Whether the results of all implementations were right. */
  gate: GateResult;
  /** A row for each implementation, shape and pass. */
  rows: AttentionRow[];
  /** Implementations of the caller. */
  contenders?: ContenderRow[];
  /** What comes before the kernels, for each length. */
  preparation: PreparationRow[];
}

export interface ShapeBenchOptions extends Pick<BenchOptions, 'kernels' | 'signal' | 'onNote'> {
  /** Implementations of the caller, in the same turns as ours. Each runs the masks of all strategies but `learned`. */
  contenders?: readonly Contender[];
}

/** The longest text with unsorted controls: in longer ones, a tile would list thousands of single columns. */
const LONGEST_UNSORTED = 4096;

interface Entry extends Measured {
  variant: Variant;
}

/** All implementations at one shape. */
export class ShapeBench {
  private readonly inputs: Inputs;
  /** Dense attention first, then other strategies, then controls. */
  private readonly entries: Omit<Entry, 'times'>[] = [];
  /** Implementations of the caller. */
  private contenders: ContenderImplementation[] = [];
  /** The entries that are not controls. */
  private strategies = 0;

  constructor(
    private readonly device: Device,
    private readonly sweep: AttentionSweep,
    private readonly workload: Workload,
    private readonly areSentences: boolean,
    private readonly options: ShapeBenchOptions,
    private readonly results: ShapeResults,
  ) {
    this.inputs = randomInputs(workload, sweep.seed);
  }

  /** Checks all implementations, then times them. Where the gate is red, rows have no speed-ups. */
  async run(): Promise<void> {
    this.openImplementations();
    const gates = await this.checkAll();
    await this.checkContenders();
    const { heads, headDim } = this.workload;
    const machine = await machineOf(this.device, headDim);
    for (const pass of gates.length < this.entries.length ? [] : this.sweep.passes) {
      this.options.onNote?.(`timing ${this.title()}, ${pass}`);
      const contenders = this.contenders.filter((contender) => contender.gate.passed && contender.has(pass));
      const implementations = [
        ...this.entries.map(({ implementation }) => implementation.timed(pass)),
        ...contenders.map((contender) => contender.timed(pass)),
      ];
      const { repeats, seconds, seed } = this.sweep;
      // Turns of equal length: the wait at the end of each then costs all of them the same share.
      const runsPerTurn: number[] = [];
      for (const implementation of implementations) runsPerTurn.push(await runsForTurn(implementation));
      const { signal } = this.options;
      const needsMore = untilNarrow(seconds);
      const times = await timeInTurns(implementations, {
        repeats,
        needsMore: (walls) => needsMore(walls.slice(0, this.strategies)),
        seed,
        device: this.device,
        signal,
        runsPerTurn,
      });
      if (times[0].wall.length === 0) break;
      for (const contender of contenders) await contender.checkAgain(pass, seed);
      const measured = this.entries.map((entry, index) => ({ ...entry, times: times[index] }));
      const timeOf = ({ implementation }: Entry) =>
        predictedTime(implementation.layout, heads, machine, pass);
      const denseTime = timeOf(measured[0]);
      const text = this.areSentences ? 'sentences' : 'document';
      measured.forEach((entry, index) => {
        // Dense attention is the first. A speed-up over it needs both results to be right.
        const gatePassed = gates[0].passed && gates[index].passed;
        const boundSpeedup = denseTime / timeOf(entry);
        const context = {
          pass,
          text,
          gatePassed,
          boundSpeedup,
          runsPerTurn: runsPerTurn[index],
        } as const;
        if (index > 0 || this.sweep.strategies.includes('none')) {
          this.results.rows.push(attentionRow(entry, measured[0], this.workload, context));
        }
      });
      const { contenders: rows = [] } = this.results;
      for (const contender of this.contenders.filter((each) => !each.gate.passed || each.has(pass))) {
        const { strategy, rules } = contender.mask;
        const same = this.entries.findIndex(
          ({ variant }) =>
            variant.order === 'tags' && variant.strategy === strategy && variant.rules === rules,
        );
        const at = contenders.indexOf(contender);
        const isTimed = at >= 0 && contender.gate.passed && gates[0].passed && gates[same].passed;
        const contenderTimes = isTimed && {
          contender: times[this.entries.length + at].wall,
          dense: times[0].wall,
          parsimony: times[same].wall,
        };
        const labels = { pass, text } as const;
        rows.push(contenderRow(contender, this.workload, labels, contenderTimes || undefined));
      }
      if (rows.length > 0) this.results.contenders = rows;
    }
    for (const { implementation } of this.entries) implementation.release();
    for (const contender of this.contenders) contender.release();
  }

  /** Checks every implementation, with gradients where a pass needs them. This also compiles all kernels. */
  private async checkAll(): Promise<GateResult[]> {
    const backward = hasBackward(this.sweep.passes);
    const gates: GateResult[] = [];
    for (const entry of this.entries) {
      if (this.options.signal?.aborted) break;
      this.options.onNote?.(`checking ${this.title()}, ${entry.name}`);
      const before = this.device.allocatedBytes;
      gates.push(await entry.implementation.gate(backward, this.sweep.seed));
      // A plan's buffers are made at its first run.
      entry.bufferBytes += this.device.allocatedBytes - before;
    }
    this.results.gate = gates.reduce(both, this.results.gate);
    return gates;
  }

  /** Prepares and checks the implementations of the caller. */
  private async checkContenders(): Promise<void> {
    const { passes, seed } = this.sweep;
    for (const { variant, name } of this.entries.slice(0, this.strategies)) {
      if (variant.strategy === 'learned') continue;
      for (const contender of this.options.contenders ?? []) {
        if (this.options.signal?.aborted) return;
        this.options.onNote?.(`checking ${this.title()}, ${contender.name}, ${name}`);
        const { strategy, rules } = variant;
        const opened = new ContenderImplementation(
          this.device,
          contender,
          { strategy, rules },
          this.workload,
          this.inputs,
        );
        if (await opened.check(passes, seed)) this.contenders.push(opened);
        else {
          opened.release();
          this.options.onNote?.(`${contender.name} does not compute ${name}, ${rules.name}`);
        }
      }
    }
  }

  /** Times the preparation before the kernels. @param tagMs The tagger's time for this text, where there is one. */
  prepare(tagMs: number | undefined): void {
    const { lengths } = this.workload;
    const shape = { length: Math.round(this.workload.tags.length / lengths.length), batch: lengths.length };
    const plans = this.entries.filter(
      ({ variant }) => variant.order === 'tags' && variant.strategy !== 'none',
    );
    const uploads = Array.from({ length: 5 }, () => this.uploadMs());
    this.results.preparation.push(
      ...(tagMs === undefined
        ? []
        : [{ stage: 'tagging and tokenizing', ...shape, medianMs: tagMs } as const]),
      { stage: 'upload of query, key and value', ...shape, medianMs: median(uploads) },
    );
    if (plans.length === 0) return;
    const planMs = median(plans.map(({ implementation }) => implementation.planMs));
    const sortMs = median(plans.map(({ implementation }) => implementation.sortMs()));
    this.results.preparation.push(
      { stage: 'sorting', ...shape, medianMs: sortMs },
      { stage: 'planning', ...shape, medianMs: Math.max(0, planMs - sortMs) },
    );
  }

  private title(): string {
    const { lengths, heads, headDim, tags } = this.workload;
    return `${Math.round(tags.length / lengths.length)} tokens x ${lengths.length}, ${heads} heads of ${headDim}`;
  }

  private uploadMs(): number {
    const { query, key, value } = this.inputs;
    const buffer = createStorage(this.device, query.byteLength, 'upload');
    const began = performance.now();
    for (const array of [query, key, value]) write(this.device, buffer, array);
    const milliseconds = performance.now() - began;
    this.device.release(buffer);
    return milliseconds;
  }

  private openImplementations(): void {
    const { strategies, rules, controls } = this.sweep;
    this.open('none', { strategy: 'none', rules: rules[0], order: 'tags' });
    for (const set of rules) {
      for (const strategy of strategies) {
        if (strategy !== 'none') this.open(strategy, { strategy, rules: set, order: 'tags' });
      }
    }
    this.strategies = this.entries.length;
    if (!controls || !strategies.includes('hard')) return;
    for (const set of rules) this.openControls(set);
  }

  private openControls(rules: RuleSet): void {
    const grammar = this.entries.find(({ name, variant }) => name === 'hard' && variant.rules === rules)!;
    const { layout } = grammar.implementation;
    // The controls depend only on tags, and need pairs that do not exist.
    if (layout.positional || layout.pairCounts.useful === layout.pairCounts.dense) return;
    if (Math.max(...this.workload.lengths) <= LONGEST_UNSORTED) {
      this.open('hard-unsorted', { strategy: 'hard', rules, order: 'reading' });
      this.open('hard-blocks', { strategy: 'hard', rules, order: 'reading, 32x32 blocks' });
    }
    // Drawn labels or rules are controls themselves.
    const { labels, densities } = this.sweep;
    if (`${labels}` !== DATA_LABELS || densities.length > 0) return;
    const { useful, dense } = layout.pairCounts;
    const random = randomRules(
      TagPairCounts.ofTexts(sequencesOf(this.workload)),
      useful / dense,
      this.sweep.seed,
    );
    this.open('hard-random', { strategy: 'hard', rules: random, order: 'tags' });
  }

  /** @throws CallerError where rules allow no pair of this text. A note reports tokens that attend to none. */
  private checkPairs({ layout, variant }: AttentionImplementation): void {
    if (layout.pairCounts.useful === 0) {
      const tags = [...new Set(this.workload.tags)];
      throw new CallerError({
        what: `rules "${variant.rules.name}" allow no pair of this text`,
        expected: `rules about its labels: ${tags.join(', ')}`,
      });
    }
    const idle = tokensWithoutPairs(this.workload, variant.rules, variant.strategy);
    if (variant.order !== 'tags' || idle === 0) return;
    const share = percent(idle / this.workload.tags.length);
    this.options.onNote?.(
      `${share} of the tokens attend to none under rules "${variant.rules.name}", ${variant.strategy}: the speed-up is over attention that computes them`,
    );
  }

  private open(name: string, variant: Variant): void {
    const before = this.device.allocatedBytes;
    const { precision } = this.sweep;
    const tiles = tilesOn(this.device, choicesFor(this.workload.headDim, this.options.kernels), precision);
    const implementation = new AttentionImplementation(
      this.device,
      this.workload,
      { ...variant, precision, tiles },
      this.inputs,
    );
    this.entries.push({ name, variant, implementation, bufferBytes: this.device.allocatedBytes - before });
    this.checkPairs(implementation);
  }
}
