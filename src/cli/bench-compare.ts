import { Command } from 'commander';
import { compareReports, parseReport, type Verdict } from '../../bench/compare.js';
import { CallerError } from '../base/errors.js';
import { readText } from '../data/files.js';
import { adapterName } from '../gpu/adapter.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { bad, good, note, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony bench compare before.json after.json

Exit code 1 where something became slower.`;

export function benchCompareCommand(): Command {
  return new Command('compare')
    .description('tell regressions from noise between two runs of a benchmark')
    .argument('<before>', 'a file that --json wrote')
    .argument('<after>', 'another')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(compare);
}

async function compare(beforeFile: string, afterFile: string, flags: { json?: JsonTarget }): Promise<void> {
  const before = parseReport(await readText(beforeFile), beforeFile);
  const after = parseReport(await readText(afterFile), afterFile);
  for (const [file, { missing }] of [
    [beforeFile, before],
    [afterFile, after],
  ] as const) {
    for (const section of missing) note(`${file} lacks ${section}`);
  }
  const comparisons = compareReports(before, after);
  if (comparisons.length === 0) {
    throw new CallerError({
      what: 'the two runs have no sparse row in common',
      where: afterFile,
      expected: `rows at the shapes of ${beforeFile}`,
    });
  }
  const count = (verdict: Verdict) =>
    comparisons.filter((comparison) => comparison.verdict === verdict).length;
  if (count('regression') > 0) process.exitCode = 1;
  const json = { before: before.environment, after: after.environment, comparisons };
  if (await wroteJson(flags.json, json)) return;
  const describeRun = ({ adapter, kernelHash, date }: typeof before.environment) =>
    `${adapterName(adapter)} (${adapter.kind}), kernels ${kernelHash}, ${date}`;
  print(`before: ${describeRun(before.environment)}`);
  print(`after:  ${describeRun(after.environment)}`);
  print();
  printTable(
    ['what', 'before', 'after', 'change', ''],
    comparisons.map(({ name, before, after, change, verdict }) => [
      name,
      Number.isNaN(before) ? '–' : before.toFixed(3),
      Number.isNaN(after) ? '–' : after.toFixed(3),
      Number.isNaN(change) ? '–' : `${(100 * (change - 1)).toFixed(1)} %`,
      inColour(verdict),
    ]),
  );
  print();
  print(
    "Compared are times over dense's in the same run. Noise: the 99 % intervals overlap, or the change is under 3 %.",
  );
  print(`${count('regression')} slower, ${count('improvement')} faster, ${count('noise')} within noise.`);
}

function inColour(verdict: Verdict): string {
  if (verdict === 'regression') return bad(verdict);
  return verdict === 'improvement' ? good(verdict) : verdict;
}
