import { describe, expect, it } from 'vitest';
import { runSettingsOf } from '../../../src/train/experiment/data-hashes.js';
import { cellsOf } from '../../../src/train/experiment/experiment.js';
import { parseExperiment } from '../../../src/train/experiment/parse-experiment.js';
import { checkCell } from '../../../src/train/experiment/run-cell.js';

function experiment(data: { settings?: object; floor?: object; grid?: object }) {
  const text = JSON.stringify({
    name: 'cells',
    settings: { ...data.settings },
    conditions: { none: { strategy: 'none' }, floor: { strategy: 'hard', rules: 'floor', ...data.floor } },
    grid: { seed: [1], ...data.grid },
    comparisons: [],
  });
  return parseExperiment(text, 'cells.json');
}

const KINDS = ['corrupt:verb-number:sst2', 'corrupt:negation:3:sst2'];

describe('--data of an experiment', () => {
  it('takes the place of the data of the settings', () => {
    const whole = experiment({ settings: { data: 'sst2' } });
    for (const cell of cellsOf(whole)) {
      checkCell(cell, whole, 'copy');
      expect(runSettingsOf(cell, 'copy').data).toBe('copy');
      expect(runSettingsOf(cell).data).toBe('sst2');
    }
  });

  it('names a copy of the texts that are changed, also where a grid has several changes', () => {
    const whole = experiment({ grid: { data: KINDS } });
    for (const cell of cellsOf(whole)) checkCell(cell, whole, 'copy');
    const data = cellsOf(whole).map((cell) => runSettingsOf(cell, 'copy').data);
    expect(new Set(data)).toEqual(new Set(['corrupt:verb-number:copy', 'corrupt:negation:3:copy']));
  });

  it.each([
    ['the settings', { settings: { data: 'blimp:there' } }],
    ['a grid of one', { grid: { data: ['blimp:there/a.jsonl'] } }],
  ])("names BLiMP's files where %s", (_, data) => {
    const whole = experiment(data);
    for (const cell of cellsOf(whole)) {
      checkCell(cell, whole, 'copy');
      expect(runSettingsOf(cell, 'copy').data).toBe('blimp:copy');
    }
  });

  it.each([
    ['a grid', { grid: { data: ['embedded', 'sst2'] } }],
    ["a grid of BLiMP's files", { grid: { data: ['blimp:a.jsonl', 'blimp:b.jsonl'] } }],
    ['a grid of one change', { grid: { data: ['corrupt:negation:sst2', 'corrupt:negation:embedded'] } }],
    ['a condition', { settings: { data: 'sst2' }, floor: { data: 'embedded' } }],
  ])('is refused where %s names other data, whose runs would all be the same', (_, data) => {
    const whole = experiment(data);
    const check = () => {
      for (const cell of cellsOf(whole)) checkCell(cell, whole, 'copy');
    };
    expect(check).toThrow(
      /^cells\.json, .*: --data copy; expected no --data: its grid, or its condition, names/,
    );
  });
});
