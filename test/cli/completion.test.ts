import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** What `parsimony complete` offers after these words. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout, stderr, status } = await runHere(['complete', '--', ...words]);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0]]));
}

describe('a completion', () => {
  it('has commands, subcommands, and options without former names', async () => {
    expect(await offered('')).toEqual(expect.arrayContaining(['train', 'bench', 'completion', 'help']));
    expect(await offered('')).not.toContain('complete');
    expect(await offered('tra')).toEqual(['train']);
    expect(await offered('bench', 'att')).toEqual(['attention']);
    expect(await offered('train', '--max')).toEqual(['--max-length', '--max-grad-norm']);
    expect(await offered('train', '--accum')).toEqual([]);
  });

  it('has the choices of options and arguments, also after "="', async () => {
    expect(await offered('train', '--data', 'x', '--strategy', '')).toEqual([
      ...['none', 'hard', 'soft', 'guided', 'learned'],
    ]);
    expect(await offered('train', '--strategy', '=', 'h')).toEqual(['hard']);
    expect(await offered('train', '--strategy=h')).toEqual(['--strategy=hard']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('leaves values without choices to the shell, which offers files', async () => {
    expect(await offered('train', '--data', '')).toEqual([]);
    expect(await offered('train', '--data', 'train', '')).toEqual([]);
    expect(await offered('tag', '--json', '')).toEqual([]);
  });
});

describe('the script', () => {
  const folder = temporaryFolder();

  it('of bash completes a word', async () => {
    const { stdout } = await runHere(['completion', 'bash']);
    writeFileSync(join(folder, 'parsimony'), `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
    chmodSync(join(folder, 'parsimony'), 0o755);
    const words = 'COMP_WORDS=(parsimony train --strategy gu); COMP_CWORD=3; _parsimony; echo "$COMPREPLY"';
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
    const result = spawnSync('bash', ['-c', `${stdout}\n${words}`], { env, encoding: 'utf8' });
    expect([result.stdout, result.stderr]).toEqual(['guided\n', '']);
  });

  const hasFish = spawnSync('fish', ['--version']).status === 0;
  it.skipIf(!hasFish)(
    'of fish completes a word, and files only where the command offers none (needs fish)',
    async () => {
      const { stdout } = await runHere(['completion', 'fish']);
      const words = ['--strategy gu', '--strategy=gu', '--data pars', '--data=pars'];
      const asked = words.map((word) => `complete -C 'parsimony train ${word}'`).join('\n');
      writeFileSync(join(folder, 'guess'), '');
      const env = { ...process.env, HOME: folder, PATH: `${folder}${delimiter}${process.env.PATH}` };
      const result = spawnSync('fish', ['--no-config', '-c', `${stdout}\n${asked}`], {
        env,
        cwd: folder,
        encoding: 'utf8',
      });
      expect(result.stdout).toBe('guided\n--strategy=guided\nparsimony\n--data=parsimony\n');
    },
  );

  it.each(['zsh', 'fish'])('of %s asks the same command', async (shell) => {
    const { stdout, status } = await runHere(['completion', shell]);
    expect(status).toBe(0);
    expect(stdout).toContain('parsimony complete -- ');
  });

  it('of another shell is refused with the names of the shells', async () => {
    const { stderr, status } = await runHere(['completion', 'bsh']);
    expect([stderr, status]).toEqual([expect.stringMatching(/bash, zsh, fish; did you mean bash\?/), 2]);
  });
});
