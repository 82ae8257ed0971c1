import * as Plot from '@observablehq/plot';
import { percent, short } from '../../src/report/page/numbers.js';
import { type Drawn, type Figure, horizontalAxis, nameAxis } from '../../src/report/page/plot-frame.js';

/** The time of a training step by its parts. */
interface StepBar {
  /** The name of the step. */
  name: string;
  attentionMs: number;
  /** All other kernels. */
  kernelsMs: number;
  /** Planning, upload, recording, and waiting beyond the kernels. */
  restMs: number;
}

const PARTS = [
  { key: 'attentionMs', name: 'attention', colour: 1, marker: 'square' },
  { key: 'kernelsMs', name: 'all other kernels', colour: 2, marker: 'diamond' },
  { key: 'restMs', name: 'no kernel: planning, upload, recording, waiting', colour: 3, marker: 'circle' },
] as const;

const LEGEND: readonly Drawn[] = PARTS.map(({ name, colour, marker }) => ({
  name,
  look: { colour: `var(--series-${colour})`, marker, dashes: 'none' },
  isBar: true,
}));

/** The time of a whole step. */
export function wholeOf({ attentionMs, kernelsMs, restMs }: StepBar): number {
  return attentionMs + kernelsMs + restMs;
}

/** The parts of a step. Kernels are timed in other turns: where their sum exceeds the step, it is scaled down to it. */
export function stepBar(name: string, medianMs: number, allKernelsMs: number, attentionMs: number): StepBar {
  const shrunk = Math.min(1, medianMs / allKernelsMs);
  const kernelsMs = shrunk * Math.max(0, allKernelsMs - attentionMs);
  return {
    name,
    attentionMs: shrunk * attentionMs,
    kernelsMs,
    restMs: Math.max(0, medianMs - allKernelsMs),
  };
}

/** The same step with attention that takes no time, the most that a speed-up can save (Amdahl 1967). */
export function withFreeAttention(bar: StepBar): StepBar {
  return { ...bar, name: 'free attention', attentionMs: 0 };
}

function inWords(bar: StepBar, unitMs: number): string {
  const parts = PARTS.map(({ key, name }) => `${name} ${percent(bar[key] / unitMs)}`);
  return `${bar.name}: ${percent(wholeOf(bar) / unitMs)}, of it ${parts.join(', ')}.`;
}

/** Bars of steps, in per cent of the first step's time. */
export function amdahlFigure(title: string, bars: readonly StepBar[], onAdapter: string): Figure {
  const unitMs = wholeOf(bars[0]);
  const segments = bars.flatMap((bar) => {
    let from = 0;
    return PARTS.map(({ key, name, colour }) => {
      const share = (100 * bar[key]) / unitMs;
      const segment = { name: bar.name, from, to: from + share, share, colour: `var(--series-${colour})` };
      from += share;
      return { ...segment, title: `${bar.name}: ${name}, ${short(bar[key])} ms${onAdapter}` };
    });
  });
  const most = Math.max(...segments.map(({ to }) => to));
  return {
    title,
    explanation: `Amdahl’s law: a faster attention leaves the rest of the step as it is. Each bar is a training step, with its parts in the order of the legend${
      bars.length > 1 ? '; “free attention” is the first step without the time of its attention' : ''
    }.`,
    description: bars.map((bar) => inWords(bar, unitMs)).join(' '),
    series: LEGEND,
    height: 62 + 26 * bars.length,
    options: {
      ...nameAxis(
        bars.map(({ name }) => name),
        { type: 'band', padding: 0.25 },
      ),
      marginTop: 8,
      x: horizontalAxis(`time of a step, % of ${bars[0].name}${onAdapter}`, {
        domain: [0, Math.max(100, most)],
        grid: true,
        ticks: 5,
      }),
      marks: [
        Plot.barX(segments, {
          x1: 'from',
          x2: 'to',
          y: 'name',
          fill: (segment) => segment.colour,
          title: 'title',
          stroke: 'var(--background)',
        }),
        Plot.text(
          segments.filter(({ share }) => share >= 12),
          {
            x: ({ from, to }) => (from + to) / 2,
            y: 'name',
            text: ({ share }) => `${share.toFixed(0)} %`,
            fill: 'var(--background)',
            fontWeight: 600,
          },
        ),
        Plot.ruleX([0], { stroke: 'currentColor' }),
      ],
    },
  };
}
