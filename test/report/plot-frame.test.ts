import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import { figure, lengthAxis, logAxis, markers } from '../../src/report/page/plot-frame.js';

it('a logarithmic axis has a label at every tick, at the position of its logarithm', () => {
  const lengths = [128, 512, 2000, 8000, 32_000];
  const times = [6, 8, 70, 700];
  const look = { colour: 'black', marker: 'circle', dashes: '' } as const;
  const { document } = parseHTML(
    figure(
      {
        title: 'a',
        explanation: 'b',
        description: 'c',
        series: [],
        options: {
          x: lengthAxis(lengths),
          y: logAxis(times, 'ms'),
          marks: [
            markers(
              lengths.map((x, at) => ({ x, y: times[at] ?? 6 })),
              look,
            ),
          ],
        },
      },
      'id',
    ).text,
  );
  const texts = Array.from(document.querySelectorAll('svg text'));
  const shown = new Map(texts.map((text) => [text.textContent, text.getAttribute('transform')!]));
  for (const label of [...lengths, 5, 10, 20, 50, 100, 200, 500])
    expect([...shown.keys()]).toContain(`${label}`);
  const across = (label: number) => Number(/\((-?[\d.]+)/.exec(shown.get(`${label}`)!)![1]);
  expect((across(512) - across(128)) / (across(32_000) - across(128))).toBeCloseTo(
    Math.log(4) / Math.log(250),
    3,
  );
});
