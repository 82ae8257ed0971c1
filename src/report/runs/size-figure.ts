import { mean } from 'simple-statistics';
import { type Figure, horizontalAxis, line, markers, type Point, verticalAxis } from '../page/plot-frame.js';
import type { Condition, Run } from './run.js';
import { accuracyDomain } from './run-figures.js';
import { accuracy } from './run-format.js';

function sizeOf({ settings }: Run): number {
  return Number(settings.trainExamples);
}

/**
 * Accuracy over the size of the training set: a dot for each run, and a line through the means; on test, or the best on dev where any
 * run was not evaluated on test.
 * @param conditions With the runs of all sizes.
 */
export function sizeFigure(conditions: readonly Condition[]): Figure {
  const runs = conditions.flatMap((condition) => condition.runs);
  const isTest = runs.every(({ test }) => test !== undefined);
  const name = isTest ? 'Test accuracy' : 'Best dev accuracy';
  const valueIn = ({ test, best }: Run) => (isTest ? test : best?.accuracy) ?? Number.NaN;
  const sizes = [...new Set(runs.map(sizeOf))].sort((a, b) => a - b);
  const drawn = conditions.map((condition) => {
    const dots = condition.runs.map((run): Point => {
      const title = `${condition.name}, ${sizeOf(run)} examples, seed ${run.seed}: ${accuracy(valueIn(run))}`;
      return { x: sizeOf(run), y: valueIn(run), title };
    });
    const means = sizes.flatMap((size): Point[] => {
      const here = dots.filter(({ x }) => x === size);
      return here.length === 0 ? [] : [{ x: size, y: mean(here.map(({ y }) => y)) }];
    });
    return { condition, dots, means };
  });
  return {
    title: `${name} over training examples`,
    explanation: 'A dot is a run, the line goes through the means over seeds.',
    description: drawn.flatMap(({ dots }) => dots.map(({ title }) => `${title}.`)).join(' '),
    series: conditions,
    options: {
      marginLeft: 52,
      x: horizontalAxis('training examples', { type: 'point', domain: sizes, tickFormat: String }),
      y: verticalAxis(name.toLowerCase(), accuracyDomain(runs.map(valueIn))),
      marks: drawn.flatMap(({ condition: { look }, dots, means }) => [
        line(means, look),
        markers(dots, look),
      ]),
    },
  };
}
