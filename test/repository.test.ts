import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { version, license, engines, scripts } = JSON.parse(read('package.json'));

describe('the files of the repository', () => {
  it('give the version, licence and Node of package.json', () => {
    const citation = read('CITATION.cff');
    expect(citation).toContain(`\nversion: ${version}\n`);
    expect(citation).toContain(`\nlicense: ${license}\n`);
    expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
    expect(engines.node).toBe(`>=${read('.nvmrc').trim()}`);
  });

  it.each(['README.md', 'CONTRIBUTING.md'])('%s names only scripts that exist', (file) => {
    const named = [...read(file).matchAll(/npm (?:run )?(\w+)/g)].map((match) => match[1]);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !['ci', 'install'].includes(name) && !(name in scripts))).toEqual([]);
  });
});
