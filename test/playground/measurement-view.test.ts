import { describe, expect, it } from 'vitest';
import { ATTENTION_DEFAULTS } from '../../bench/attention-settings.js';
import { GREEN } from '../../bench/gate.js';
import { ShapeBench, type ShapeResults } from '../../bench/shape-bench.js';
import { measurementView } from '../../playground/measurement-view.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { withoutSpeedup } from '../bench/page-report.js';
import { testDevice } from '../support/device.js';

describe('what the playground shows of a measurement', () => {
  it('shows no speed-up where the gate is red', async () => {
    const tags = ['[CLS]', 'DET', 'ADJ', 'NOUN', 'VERB', 'DET', 'NOUN', '[SEP]'];
    const workload = {
      tags,
      lengths: [8],
      sentences: [NO_SENTENCE, 0, 0, 0, 0, 0, 0, NO_SENTENCE],
      heads: 1,
      headDim: 16,
    };
    const results: ShapeResults = { gate: GREEN, rows: [], preparation: [] };
    const settings = {
      ...ATTENTION_DEFAULTS,
      strategies: ['none' as const, 'hard' as const],
      rules: [PAPER_RULES],
      passes: ['forward' as const],
      repeats: 3,
      seconds: 0,
      controls: false,
    };
    await new ShapeBench(await testDevice(), settings, workload, false, {}, results).run();
    const shown = ({ gate, rows }: Pick<ShapeResults, 'gate' | 'rows'>) =>
      measurementView({
        kind: 'done',
        results: { ...results, gate, rows },
        adapter: '<adapter>',
        isSoftware: false,
      }).text;

    const green = shown(results);
    expect(green).toContain('✓ Gate green');
    expect(green).toMatch(/id="speed-up">At 8 tokens, hard attention was [\d.]+x as fast as dense/);
    expect(green).toContain('&lt;adapter&gt;');
    const red = shown({
      gate: { ...GREEN, passed: false, complaints: ['output is off by 1'] },
      rows: results.rows.map(withoutSpeedup),
    });
    expect(red).toContain('✗ Gate red: output is off by 1');
    expect(red).not.toMatch(/speed-up"|as fast/);
    expect(red).toContain('<th scope="row">Realised speed-up</th><td>–</td><td>–</td>');
  });
});
