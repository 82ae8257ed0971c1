import { afterEach, describe, expect, it, vi } from 'vitest';
import { duration, Pace } from '../../src/cli/pace.js';
import { bad, good, mayColour, printTable, progress } from '../../src/cli/terminal.js';

/** The text that an action writes to a stream. */
function written(stream: NodeJS.WriteStream, action: () => void): string {
  const chunks: string[] = [];
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
    chunks.push(String(chunk));
    return true;
  });
  try {
    action();
  } finally {
    spy.mockRestore();
  }
  return chunks.join('');
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe('progress', () => {
  it('has its rate and the remaining time where there is no terminal', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    vi.stubGlobal('process', { ...process, stderr: Object.assign(process.stderr, { isTTY: false }) });
    const text = written(process.stderr, () => {
      const display = progress({ label: 'training', total: 100, unit: 'steps' });
      for (const step of [10, 20, 50, 100]) {
        vi.advanceTimersByTime(500);
        display.update(step, 'loss 0.5');
      }
      display.stop();
    });
    vi.unstubAllGlobals();
    // After the first update, the time before it does not count, since all compilation is in it.
    expect(text.split('\n')).toEqual([
      'training 10/100 steps (10 %) | 20.0 steps/s, 5 s left | loss 0.5',
      'training 20/100 steps (20 %) | 20.0 steps/s, 4 s left | loss 0.5',
      'training 50/100 steps (50 %) | 40.0 steps/s, 2 s left | loss 0.5',
      'training 100/100 steps (100 %) | 60.0 steps/s, 0 s left | loss 0.5',
      '',
    ]);
  });

  it('of a resumed task counts only the steps since then', () => {
    let now = 0;
    const pace = new Pace(1000, 'steps', 900, () => now);
    now = 10_000;
    expect(pace.update(910)).toBe('1.00 steps/s, 1 min 30 s left');
  });

  it('omits an unknown rate', () => {
    const pace = new Pace(10, 'steps', 0, () => 0);
    expect(pace.update(0)).toBe('');
    expect(pace.update(5)).toBe('');
  });

  it('prints durations as people write them', () => {
    expect([0.2, 59, 61, 3599, 3600, 7384].map(duration)).toEqual([
      '1 s',
      '59 s',
      '1 min 1 s',
      '59 min 59 s',
      '1 h 0 min',
      '2 h 3 min',
    ]);
  });
});

describe('a table', () => {
  it('is aligned where names are wide, hold emoji, combine marks, or are coloured', () => {
    const names = ['plain', '依存 文法', '👩‍🚀 astronaut', 'café', '\u001b[31mred\u001b[39m'];
    const { isTTY } = process.stdout;
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    process.stdout.isTTY = true;
    const text = written(process.stdout, () =>
      printTable(
        ['name', 'value'],
        names.map((name, at) => [name, at]),
      ),
    );
    process.stdout.isTTY = isTTY;
    vi.unstubAllEnvs();
    // Columns that a terminal gives each name.
    const widths = [5, 9, 12, 4, 3];
    const lines = text.trimEnd().split('\n');
    names.forEach((name, at) => {
      expect(lines[at + 1]).toBe(`${name}${' '.repeat(12 - widths[at])}  ${`${at}`.padStart(5)}`);
    });
  });
});

describe('colour', () => {
  it('is used only on a terminal that supports it, and not where NO_COLOR is set', () => {
    expect(mayColour({ isTTY: true }, {})).toBe(true);
    expect(mayColour({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(mayColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(mayColour({ isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
    expect(mayColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(mayColour({}, { FORCE_COLOR: '1' })).toBe(false);
  });

  it('leaves the words unchanged', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    const terminal = { isTTY: true };
    expect(bad('slower', terminal)).toBe('\u001b[31mslower\u001b[39m');
    expect(bad('', terminal)).toBe('');
    vi.stubEnv('NO_COLOR', '1');
    expect(bad('slower', terminal)).toBe('slower');
    expect(good('faster')).toBe('faster');
  });
});
