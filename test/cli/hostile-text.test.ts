import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

/** Clears a terminal, as an escape sequence and as a single character. */
const HOSTILE = '\u001b[2J\u009b2J';

/** Characters that must not reach a terminal; line ends may. */
const CONTROLS = /[^\P{Cc}\n]/u;

describe('text that controls a terminal', () => {
  it.each([
    ['a text', ['tag', `the film ${HOSTILE}`]],
    ['a text as JSON', ['tag', `the film ${HOSTILE}`, '--json']],
    ['the name of a file', ['report', HOSTILE]],
    ['a flag', [`--${HOSTILE}`]],
    ['a command', [HOSTILE]],
    ['the name of rules', ['tag', 'the film', '--rules', 'rules.json']],
  ])('is escaped in %s', async (name, args) => {
    const rules = { name: HOSTILE, hard: { '*': ['*'] } };
    writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules));
    const { stdout, stderr } = await runHere(args, { cwd: folder });
    expect(stdout + stderr).not.toMatch(CONTROLS);
    // WordPiece tokens have no control characters: a text is printed without them.
    if (name !== 'a text') expect(stdout + stderr).toContain('\\u001b[2J');
  });
});
