import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { inputOf, writeInput } from './inputs.js';
import { READERS, readerNamed } from './readers.js';
import { type WorkerReport, type WorkerTask, work } from './worker.js';

/** Limit of wall time, for inputs that never end; on a busy machine a quick one may take a while. */
const SILENT_MS = 20_000;
/** Loading the code of a worker. */
const START_MS = 120_000;
const HEAP_MIB = 1024;
/** A reader with this number of failures is not tried further. */
const MOST_FAILURES = 50;

const USAGE = `npm run fuzz -- [--seed N] [--count N] [--seconds S] [--reader NAME,…] [--out FOLDER]

Reads damaged files with every reader, the same ones for the same seed. An input fails if it ends in anything but a result or
a refusal of one line that names the file, takes over 2 s or a gibibyte, or writes anywhere else. Failing inputs are stored
in FOLDER.

  --seed N       which inputs (default: 1)
  --count N      inputs for each reader (default: 1000)
  --seconds S    for each reader, at most (default: 600)
  --reader NAME  among: ${READERS.map(({ name }) => name).join(', ')}
  --out FOLDER   default: fuzz-failures
`;

interface Campaign {
  seed: number;
  count: number;
  seconds: number;
  out: string;
  /** The script that runs a worker. */
  script: string;
}

interface Outcome {
  inputs: number;
  failures: number;
}

/** The end of a reader's time, which starts with the first report of its worker: loading code does not count. */
interface Deadline {
  endsAt?: number;
}

/** Stores a failing input with what went wrong. */
async function store(campaign: Campaign, name: string, index: number, failure: string): Promise<void> {
  const folder = join(campaign.out, `${name}-${campaign.seed}-${index}`);
  const reader = readerNamed(name);
  const samples = reader.samples();
  writeInput(folder, index < 0 ? samples[0] : inputOf(reader, samples, campaign.seed, index));
  writeFileSync(`${folder}.txt`, `${failure}\n`);
  process.stdout.write(`  ${name} ${index}: ${failure.split('\n').slice(0, 2).join(' ')} (${folder})\n`);
}

/** Runs a worker until it ends, hangs or its time is over. @returns The input at which it went wrong, and how. */
function runWorker(
  campaign: Campaign,
  task: WorkerTask,
  deadline: Deadline,
  onReport: (report: WorkerReport) => void,
): Promise<{ index: number; wrong?: string }> {
  return new Promise((done) => {
    let index = task.from - 1;
    let timer: NodeJS.Timeout;
    let isOver = false;
    const child: ChildProcess = fork(campaign.script, ['--worker', JSON.stringify(task)], {
      execArgv: [`--max-old-space-size=${HEAP_MIB}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const end = (wrong?: string) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      child.kill('SIGKILL');
      done({ index, wrong });
    };
    const wait = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => end(`no end within ${ms / 1000} s`), ms);
    };
    wait(START_MS);
    child.on('message', (report: WorkerReport) => {
      if (isOver) return;
      wait(SILENT_MS);
      if (report.kind === 'began') index = report.index;
      deadline.endsAt ??= Date.now() + 1000 * campaign.seconds;
      onReport(report);
      if (report.kind === 'done' || Date.now() > deadline.endsAt!) end();
    });
    child.on('exit', (code, signal) => end(`the process died (${signal ?? code})`));
  });
}

async function fuzzReader(campaign: Campaign, name: string): Promise<Outcome> {
  const sandbox = mkdtempSync(join(tmpdir(), 'parsimony-fuzz-'));
  const outcome: Outcome = { inputs: 0, failures: 0 };
  const deadline: Deadline = {};
  const isOver = () => Date.now() > (deadline.endsAt ?? Number.POSITIVE_INFINITY);
  const stores: Promise<void>[] = [];
  const fail = (index: number, failure: string) => {
    outcome.failures++;
    stores.push(store(campaign, name, index, failure));
  };
  try {
    let from = 0;
    while (from < campaign.count && !isOver() && outcome.failures < MOST_FAILURES) {
      const task = { reader: name, seed: campaign.seed, from, to: campaign.count, sandbox };
      const { index, wrong } = await runWorker(campaign, task, deadline, (report) => {
        if (report.kind === 'failed') fail(report.index, report.failure);
      });
      if (wrong !== undefined) fail(index, wrong);
      outcome.inputs += index + 1 - from;
      if (wrong === undefined || index < from) break;
      from = index + 1;
    }
    await Promise.all(stores);
  } finally {
    rmSync(sandbox, { recursive: true, force: true });
  }
  return outcome;
}

function wholeNumber(text: string, flag: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`${flag} ${text}: expected a whole number`);
}

/** `npm run fuzz`. @param script The file that calls this, which also runs workers. @returns The exit code. */
export async function main(args: readonly string[], script: string): Promise<number> {
  if (args[0] === '--worker') {
    const tell = (report: WorkerReport) => new Promise<void>((done) => process.send!(report, () => done()));
    await work(JSON.parse(args[1]), tell);
    return 0;
  }
  let campaign: Campaign;
  let names: string[];
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        count: { type: 'string', default: '1000' },
        seconds: { type: 'string', default: '600' },
        reader: { type: 'string', default: READERS.map(({ name }) => name).join() },
        out: { type: 'string', default: 'fuzz-failures' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    names = values.reader.split(',').map((name) => readerNamed(name).name);
    campaign = {
      seed: wholeNumber(values.seed, '--seed'),
      count: wholeNumber(values.count, '--count'),
      seconds: wholeNumber(values.seconds, '--seconds'),
      out: resolve(values.out),
      script,
    };
  } catch (error) {
    process.stderr.write(`fuzz: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  let failures = 0;
  for (const name of names) {
    const began = Date.now();
    const outcome = await fuzzReader(campaign, name);
    failures += outcome.failures;
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    process.stdout.write(`${name}: ${outcome.inputs} inputs in ${seconds} s, ${outcome.failures} failures\n`);
  }
  process.stdout.write(
    failures === 0 ? 'Nothing failed.\n' : `${failures} failed; they are in ${campaign.out}.\n`,
  );
  return failures === 0 ? 0 : 1;
}
