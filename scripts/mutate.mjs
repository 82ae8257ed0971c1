// Makes the faults of test/mutations/mutations.mjs one by one, in a copy of the project, and says whether a test fails for each:
//   npm run mutate                      all of them
//   npm run mutate -- --part 2/5        every fifth, from the second on
//   npm run mutate -- 'AdamW|dropout'   those whose names match
// It ends with status 1 where a fault passes its tests.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTATIONS } from '../test/mutations/mutations.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function chosen(args) {
  const parts = args[0] === '--part' ? /^(\d+)\/(\d+)$/.exec(args[1]) : undefined;
  if (parts === null) throw new Error(`--part takes 1/5 or the like, not ${args[1]}`);
  if (parts) return MUTATIONS.filter((_, index) => index % Number(parts[2]) === Number(parts[1]) - 1);
  const pattern = new RegExp(args[0] ?? '');
  return MUTATIONS.filter(({ name }) => pattern.test(name));
}

/** Runs the tests of a mutation in the copy. */
function tested(copy, { tests, only }) {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const args = [
    'run',
    tests,
    '--bail=1',
    '--reporter=json',
    `--outputFile=${report}`,
    ...(only ? ['-t', only] : []),
  ];
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const { stderr } = spawnSync(process.execPath, [vitest, ...args], { cwd: copy, encoding: 'utf8' });
  try {
    const { numFailedTests, numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const messages = testResults.flatMap(({ message, assertionResults }) => [
      message,
      ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
    ]);
    return { failed: numFailedTests, passed: numPassedTests, messages: messages.filter(Boolean) };
  } catch {
    throw new Error(`no report of ${tests}:\n${stderr}`);
  }
}

function outcomeOf(copy, mutation) {
  const path = join(copy, mutation.file);
  const text = readFileSync(path, 'utf8');
  if (text.split(mutation.find).length !== 2) return 'does not apply: its text does not occur exactly once';
  writeFileSync(
    path,
    text.replace(mutation.find, () => mutation.replace),
  );
  try {
    const { failed, passed, messages } = tested(copy, mutation);
    // Any test would catch a kernel that does not compile.
    const broken = messages.find((message) => /could not be compiled|error: .*wesl/.test(message));
    if (broken) return `does not compile: ${broken.slice(0, 200)}`;
    if (failed > 0) return 'caught';
    return passed > 0 ? 'NOT caught' : 'no test ran';
  } finally {
    writeFileSync(path, text);
  }
}

const mutations = chosen(process.argv.slice(2));
const copy = mkdtempSync(join(tmpdir(), 'parsimony-mutate-'));
let survivors = 0;
try {
  const left = /(^|\/)(node_modules|dist|\.git)$/;
  cpSync(root, copy, { recursive: true, filter: (path) => !left.test(path) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  for (const mutation of mutations) {
    const outcome = outcomeOf(copy, mutation);
    if (outcome !== 'caught') survivors++;
    console.log(
      `${outcome === 'caught' ? 'caught' : outcome.padEnd(6)}  ${mutation.name} (${mutation.file})`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${mutations.length - survivors} of ${mutations.length} mutations caught`);
process.exit(survivors > 0 ? 1 : 0);
