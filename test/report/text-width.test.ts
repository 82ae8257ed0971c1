import { describe, expect, it } from 'vitest';
import { labelMargin, spacedLabels } from '../../src/report/explain/axis-labels.js';
import { fittedText, textWidth } from '../../src/report/page/text-width.js';

describe('the width of a text', () => {
  it('is at least the width in DejaVu Sans, the widest of the common fonts', () => {
    // Advances in units of 2048 to the em, from the font itself.
    const advances: Record<string, number> = {
      m: 1995,
      w: 1675,
      W: 2025,
      M: 1767,
      g: 1300,
      i: 569,
      '…': 2048,
      '4': 1303,
    };
    for (const [character, units] of Object.entries(advances)) {
      expect(textWidth(character, 2048), character).toBeGreaterThanOrEqual(units - 60);
    }
    expect(textWidth('e\u0301', 10)).toBe(textWidth('e', 10));
    expect(textWidth('映画', 10)).toBeGreaterThanOrEqual(20);
  });
});

describe('a text that must fit', () => {
  it('is complete where it fits, otherwise its beginning', () => {
    expect(fittedText('hard', 100, 12)).toBe('hard');
    const cut = fittedText('counterrevolutionaries', 84, 10.5);
    expect(cut).toMatch(/^counterre.*…$/);
    expect(textWidth(cut, 10.5)).toBeLessThanOrEqual(84);
    expect(fittedText('WWW', 1, 12)).toBe('…');
  });
});

describe('the margin of a picture', () => {
  it('has room for its longest label and the line to it', () => {
    for (const text of ['grandmother', 'WMWMWMWMWMWM', '映画映画映画映画映画', '[CLS]']) {
      const labels = spacedLabels([{ text, start: 0, length: 1 }], 330, 330);
      expect(labelMargin(labels)).toBeGreaterThanOrEqual(10 + textWidth(labels[0].text, 10.5));
    }
    expect(spacedLabels([{ text: 'grandmother', start: 0, length: 1 }], 330, 330)[0].text).toBe(
      'grandmother',
    );
  });
});
