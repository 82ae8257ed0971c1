// Compiles every kernel in every variant that the engine uses, and prints the times. Registers, spills, instructions and occupancy
// are printed where a layer of the Vulkan loader writes them to the file that SHADER_STATS names. `--precision f16` adds the kernels
// with subgroup matrices. `--json FILE` writes a line for each variant. Ends with 1 where a kernel is refused or spills registers.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE =
  'Usage: npm run kernels -- [--adapter NAME] [--precision f32|f16] [--json FILE, or - for standard output]';

function flagsOf() {
  try {
    const [adapter, precision, json] = Array(3).fill({ type: 'string' });
    return parseArgs({ options: { adapter, precision, json } }).values;
  } catch (error) {
    console.error(`${error.message.split('\n')[0]} ${USAGE}`);
    return process.exit(2);
  }
}

const flags = flagsOf();
const temporaryFile = process.env.SHADER_STATS
  ? undefined
  : join(tmpdir(), `parsimony-kernels-${process.pid}.jsonl`);
// A layer opens it when the first pipeline is made.
process.env.SHADER_STATS ??= temporaryFile;

const { quoted, versionOf } = await import('../dist/bench/environment.js');
const { compileKernels } = await import('../dist/bench/kernels/compile.js');
const { kernelInstances } = await import('../dist/bench/kernels/instances.js');
const { complaints, kernelTable, reportJson } = await import('../dist/bench/kernels/compilers-report.js');
const { StatisticsFile } = await import('../dist/bench/kernels/compiler-statistics.js');
const { checkWritable, writeAtomically } = await import('../dist/src/data/files.js');
const { hashOf } = await import('../dist/src/base/hash.js');
const { adapterName } = await import('../dist/src/gpu/adapter.js');
const { openDevice } = await import('../dist/src/gpu/open-device.js');
const { kernelSources } = await import('../dist/src/gpu/kernel-sources.generated.js');
const { note, print, printTable, progress } = await import('../dist/src/cli/terminal.js');

async function run() {
  if (flags.json && flags.json !== '-') await checkWritable(flags.json);
  const device = await openDevice({ adapter: flags.adapter, precision: flags.precision });
  const file = new StatisticsFile(process.env.SHADER_STATS);
  const instances = kernelInstances(device);
  const display = progress({ label: 'Compiling', total: instances.length, unit: 'variants' });
  const kernels = await compileKernels(device, instances, file, (done) => display.update(done, ''));
  display.stop();
  const report = {
    kind: 'kernels',
    adapter: device.adapter,
    dawn: `webgpu ${versionOf('webgpu')}`,
    kernelHash: hashOf(kernelSources),
    command: ['npm run kernels --', ...process.argv.slice(2).map(quoted)].join(' '),
    date: new Date().toISOString(),
    occupancyUnit: file.unit ?? null,
    kernels,
  };
  if (flags.json === '-') process.stdout.write(reportJson(report));
  else if (flags.json) await writeAtomically(flags.json, reportJson(report));
  if (flags.json !== '-') {
    print(
      `${kernels.length} variants of kernels on ${adapterName(device.adapter)} (${device.adapter.description})`,
    );
    const { head, rows } = kernelTable(report);
    printTable(head, rows);
    if (file.unit) print(`Occupancy: ${file.unit}.`);
  }
  if (!file.unit) note('No registers are shown: nothing wrote them to the file that SHADER_STATS names.');
  const wrong = complaints(report);
  for (const line of wrong) note(line);
  return wrong.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await run();
} catch (error) {
  note(`kernels: ${error.message.replace(/\s*\n\s*/g, ' ')}`);
  process.exitCode = error.exitCode ?? 1;
}
if (temporaryFile) rmSync(temporaryFile, { force: true });
// A device of Dawn's keeps the process alive.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
