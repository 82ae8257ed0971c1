// Runs grids of 24 cells on three workers or three shards while processes are killed, stopped and cut off. Each table must be that
// of one process: `npm run test:cluster -- [--grids 20] [--real 0] [--cut 30] [--seed 1]`, or `-- --cost 2000`. Grids alternate between queue and
// shards. Cells are stubs that need no GPU, but for those of the `--real` grids, which train on the embedded driver. The tests of
// `npm test` have no such disturbances. It needs redis-server, bullmq and ioredis.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureCost } from './cluster-cost.mjs';
import { CuttableProxy } from './cluster-proxy.mjs';
import { missingForQueues, RedisServer } from './redis-server.mjs';

const { values } = parseArgs({
  options: {
    grids: { type: 'string', default: '20' },
    real: { type: 'string', default: '0' },
    cut: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    cost: { type: 'string', default: '0' },
  },
});
const [grids, real, cutSeconds] = [Number(values.grids), Number(values.real), Number(values.cut)];

const COMMAND = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const STUB = fileURLToPath(new URL('./cluster-stub.mjs', import.meta.url));
const VERSION = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
const PASSWORD = 'chaos';
const WORKERS = 3;

const missing = missingForQueues();
if (missing) {
  console.log(`Left out: ${missing} is not installed.`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'parsimony-cluster-'));
const file = join(folder, 'grid.json');
const processes = new Set();
const servers = [];

let state = Number(values.seed) >>> 0 || 1;
/** A number from 0 to below 1 (xorshift). */
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

function writeGrid() {
  mkdirSync(join(folder, 'data'));
  const rows = (count) =>
    Array.from(
      { length: count },
      (_, row) => `the film is ${row % 2 ? 'dull' : 'funny'} .\t${1 - (row % 2)}\n`,
    );
  for (const [name, count] of [
    ['train', 12],
    ['dev', 6],
  ])
    writeFileSync(join(folder, `data/${name}.tsv`), `sentence\tlabel\n${rows(count).join('')}`);
  const tokens = '[PAD] [UNK] [CLS] [SEP] [MASK] the film is funny dull .'.split(' ');
  writeFileSync(join(folder, 'vocab.txt'), `${tokens.join('\n')}\n`);
  const settings = {
    ...{ data: join(folder, 'data'), vocab: join(folder, 'vocab.txt'), tune: false, learningRate: 0.01 },
    ...{ hidden: 16, feedForward: 16, heads: 1, layers: 1, maxLength: 32, batchSize: 4, epochs: 4 },
    ...{ attentionDropout: 0, evaluationsPerEpoch: 1, saveSteps: 2 },
  };
  const conditions = { none: { strategy: 'none' }, hard: { strategy: 'hard' }, soft: { strategy: 'soft' } };
  const grid = { seed: [1, 2, 3, 4, 5, 6, 7, 8] };
  writeFileSync(
    file,
    JSON.stringify({ name: 'grid', settings, conditions, grid, comparisons: [['hard', 'none']] }),
  );
}

function start(args, log) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PARSIMONY_ADAPTER: 'embedded' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (text) => log.push(String(text)));
  processes.add(child);
  child.on('close', () => processes.delete(child));
  return child;
}

async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode;
}

/** The tables of a folder of results, and every cell without its timings. */
function outcome(results) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [COMMAND, 'experiment', file, '--table', '--json', '--results', results],
    { encoding: 'utf8' },
  );
  if (status !== 0) return { text: stderr, cells: 0, missing: 24 };
  const { tables, missing } = JSON.parse(stdout);
  const cellFolder = join(results, 'grid');
  const cells = readdirSync(cellFolder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const {
        seconds: _,
        tokensPerSecond: __,
        ...cell
      } = JSON.parse(readFileSync(join(cellFolder, name), 'utf8'));
      return [name, cell];
    });
  return { text: JSON.stringify({ tables, missing, cells }), cells: cells.length, missing: missing.length };
}

/** Starts a Redis server in a new folder of this name. */
async function startRedis(name) {
  const redisFolder = join(folder, name);
  mkdirSync(redisFolder);
  const server = await RedisServer.start(redisFolder, PASSWORD);
  servers.push(server);
  return server;
}

/** One disturbance of the workers of a grid, and of its queue. */
async function disturb(workers, replace, queue, lock, done) {
  const at = Math.floor(random() * workers.length);
  const kind = Math.floor(random() * (queue ? 4 : 2));
  const worker = workers[at];
  if (kind === 0) {
    worker.kill('SIGKILL');
    await delay(500);
    replace(at);
    return 'kill -9';
  }
  if (kind === 1) {
    worker.kill('SIGSTOP');
    await delay(1000 * lock * 2.5);
    worker.kill('SIGCONT');
    return 'SIGSTOP';
  }
  if (kind === 2) {
    await queue.redis.stop(random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
    await queue.redis.start();
    return 'Redis restarted';
  }
  if (done.has('cut')) return disturb(workers, replace, queue, lock, done);
  done.add('cut');
  const hangs = random() < 0.5;
  await queue.proxy.cut(cutSeconds, hangs);
  return hangs ? 'connections hung' : 'connections cut';
}

async function disturbedGrid(index, isReal) {
  const results = join(folder, `results-${index}`);
  const runs = join(folder, `runs-${index}`);
  const lock = isReal ? 5 : 2;
  const isQueue = index % 2 === 0;
  const [log, submitterLog] = [[], []];
  const workers = [];
  let queue;
  let argsOf;
  let submitter;
  if (isQueue) {
    const redis = await startRedis(`redis-${index}`);
    const proxy = new CuttableProxy(redis.port);
    const url = `redis://:${PASSWORD}@127.0.0.1:${await proxy.listen()}`;
    queue = { redis, proxy };
    argsOf = () =>
      isReal
        ? [COMMAND, 'worker', '--queue', url, '--out', runs, '--lock', lock]
        : [STUB, 'queue', url, VERSION, lock];
    submitter = start([COMMAND, 'experiment', file, '--queue', url, '--results', results], submitterLog);
  } else {
    argsOf = (at) =>
      isReal
        ? [
            COMMAND,
            'experiment',
            file,
            '--shard',
            `${at + 1}/3`,
            '--out',
            runs,
            '--results',
            results,
            '--lock',
            lock,
          ]
        : [STUB, 'shard', file, results, `${at + 1}/3`, lock];
  }
  let isOver = false;
  // A worker that finds no server ends with an error, and is started again, as containers are.
  const replace = (at) => {
    const worker = start(argsOf(at).map(String), log);
    workers[at] = worker;
    worker.on('close', (code) => {
      if (code > 0 && isQueue && !isOver) setTimeout(() => !isOver && replace(at), 1000);
    });
  };
  for (let at = 0; at < WORKERS; at++) replace(at);
  const isDone = () => (submitter ? submitter.exitCode !== null : workers.every((one) => one.exitCode === 0));
  // A command that finds no server at its start is refused, so disturbances wait until it is connected.
  while (submitter && submitter.exitCode === null && !/ at redis:/.test(submitterLog.join('')))
    await delay(50);
  const disturbances = [];
  const done = new Set();
  for (const most = 3 + Math.floor(random() * 3); disturbances.length < most && !isDone(); ) {
    await delay(1000 + 1500 * random());
    if (!isDone()) disturbances.push(await disturb(workers, replace, queue, lock, done));
  }
  if (submitter) await ended(submitter);
  else {
    for (const worker of workers) await ended(worker);
    // A scheduler starts a failed job again.
    if (outcome(results).missing > 0) await ended(start(argsOf(0).map(String), log));
  }
  isOver = true;
  for (const worker of workers) worker.kill('SIGKILL');
  queue?.proxy.close();
  await queue?.redis.stop('SIGKILL');
  const leaked = [...log, ...submitterLog].join('').includes(PASSWORD);
  return {
    ...outcome(results),
    kind: isQueue ? 'queue' : 'shards',
    disturbances,
    leaked,
    log,
    submitterLog,
    code: submitter?.exitCode ?? 0,
  };
}

async function reference(isReal) {
  const results = join(folder, `reference-${isReal}`);
  const args = isReal
    ? [COMMAND, 'experiment', file, '--out', join(folder, 'runs'), '--results', results]
    : [STUB, 'shard', file, results, '1/1', '2'];
  const code = await ended(start(args, []));
  if (code !== 0) throw new Error(`the reference ended with ${code}`);
  return outcome(results);
}

if (Number(values.cost) > 0) {
  const redis = await startRedis('redis');
  await measureCost(Number(values.cost), redis.url);
  await redis.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

let failures = 0;
try {
  writeGrid();
  for (const [isReal, count] of [
    [false, grids],
    [true, real],
  ]) {
    if (count === 0) continue;
    const expected = await reference(isReal);
    for (let index = 0; index < count; index++) {
      const began = performance.now();
      const found = await disturbedGrid(isReal ? grids + index : index, isReal);
      const isRight = found.text === expected.text && found.cells === 24 && found.code === 0 && !found.leaked;
      if (!isRight) {
        failures++;
        for (const text of [found.log, found.submitterLog]) console.log(text.join('').slice(-2000));
        console.log(
          `exit code ${found.code}`,
          found.text.slice(0, 300),
          found.leaked ? 'The password was shown.' : '',
        );
      }
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      console.log(
        `${isReal ? 'trained' : 'stub'} grid ${index + 1} of ${count}, ${found.kind}, ${seconds} s, ${found.disturbances.join(', ') || 'undisturbed'}: ` +
          `${found.cells} cells, ${isRight ? 'the table of one process' : 'WRONG'}`,
      );
    }
  }
} finally {
  for (const child of processes) child.kill('SIGKILL');
  for (const server of servers) await server.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? 'No cell was lost, and none counted twice.' : `${failures} grids were wrong.`);
process.exit(failures === 0 ? 0 : 1);
