import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.js';

const CI = join(import.meta.dirname, '../.ci');
const hasTools = ['bash', 'awk'].every((tool) => spawnSync('which', [tool]).status === 0);

describe.skipIf(!hasTools)('the source of backports', () => {
  const folder = temporaryFolder();

  beforeEach(() => {
    rmSync(join(folder, 'sources.list.d'), { recursive: true, force: true });
    rmSync(join(folder, 'sources.list'), { force: true });
    mkdirSync(join(folder, 'sources.list.d'));
  });

  const write = (file: string, ...lines: string[]) =>
    writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
  function backports() {
    const { status, stdout } = spawnSync(join(CI, 'backports'), ['bookworm', folder], { encoding: 'utf8' });
    return { status, lines: stdout.trim().split('\n') };
  }

  it('is on the mirror that a paragraph names', () => {
    write('sources.list.d/a.sources', 'Types: deb', 'URIs: http://other.example/node', 'Suites: nodistro');
    write(
      'sources.list.d/debian.sources',
      'Types: deb-src',
      'URIs: http://source.example/debian',
      'Suites: bookworm',
      '',
      'Enabled: no',
      'Types: deb',
      'URIs: http://off.example/debian',
      'Suites: bookworm',
      '',
      '# a remark',
      'Types: deb deb-src',
      '# another',
      'URIs: http://mirror.example/debian http://second.example/debian',
      'Suites: bookworm-updates',
      ' bookworm',
      'Components: main',
      'Signed-By: /usr/share/keyrings/a.gpg',
      '',
      'Types: deb',
      'URIs: http://security.example/debian-security',
      'Suites: bookworm-security',
    );
    expect(backports()).toEqual({
      status: 0,
      lines: [
        'Types: deb',
        'URIs: http://mirror.example/debian',
        'Suites: bookworm-backports',
        'Components: main',
        'Signed-By: /usr/share/keyrings/a.gpg',
      ],
    });
  });

  it.each([
    ['sources.list', 'deb http://mirror.example/debian bookworm main contrib', []],
    ['sources.list.d/a.list', 'deb\thttp://mirror.example/debian   bookworm main', []],
    [
      'sources.list',
      'deb [arch=amd64 signed-by=/k.gpg trusted=yes] http://mirror.example/debian bookworm main',
      ['Signed-By: /k.gpg', 'Trusted: yes'],
    ],
  ])('is on the mirror that a line names: %s, %s', (file, line, more) => {
    write(
      file,
      '# deb http://remark.example/debian bookworm main',
      'deb-src http://source.example/debian bookworm main',
      'deb http://security.example/debian-security bookworm-security main',
      line,
    );
    const { status, lines } = backports();
    expect(status).toBe(0);
    expect(lines.slice(1)).toEqual([
      'URIs: http://mirror.example/debian',
      'Suites: bookworm-backports',
      'Components: main',
      ...more,
    ]);
  });

  it('does not exist where no source names the release', () => {
    write('sources.list', 'deb http://mirror.example/debian trixie main');
    expect(backports()).toEqual({ status: 1, lines: [''] });
  });
});

it('CI names no mirror', () => {
  for (const file of ['run', 'backports'])
    expect(readFileSync(join(CI, file), 'utf8')).not.toMatch(/\w+:\/\//);
});
