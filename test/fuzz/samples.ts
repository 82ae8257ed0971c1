import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { formatCheckpoint } from '../../src/train/checkpoint-file.js';
import { startOfEpoch } from '../../src/train/position.js';
import { reportOf, someRows } from '../bench/page-report.js';
import { cellOf } from '../report/some-runs.js';
import {
  huggingFaceConfig,
  tensorsOf,
  VOCABULARY_TOKENS,
  type WRITERS,
  writeCheckpoint,
} from '../support/checkpoint-folder.js';
import { randomWeights, SMALL_MODEL } from '../support/model-cases.js';

/** A folder's files by their names. */
export type Files = Readonly<Record<string, Uint8Array>>;

export const TINY_CONFIG: ModelConfig = {
  ...SMALL_MODEL,
  vocabulary: VOCABULARY_TOKENS.length,
  hidden: 16,
  heads: 1,
  layers: 1,
  feedForward: 8,
  positions: 8,
};

export function textFiles(files: Readonly<Record<string, string>>): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]));
}

function filesOf(write: (folder: string) => void): Files {
  const folder = mkdtempSync(join(tmpdir(), 'parsimony-sample-'));
  try {
    write(folder);
    return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A model's folder as Hugging Face lays it out. */
export function modelFiles(format: keyof typeof WRITERS): Files {
  const config = {
    ...huggingFaceConfig(TINY_CONFIG),
    id2label: { 0: 'no', 1: 'yes' },
    label2id: { no: 0, yes: 1 },
  };
  const tensors = tensorsOf(TINY_CONFIG, randomWeights(TINY_CONFIG, 1));
  return filesOf((folder) => writeCheckpoint(folder, config, tensors, format));
}

export function parquetFile(): Uint8Array {
  const text = ['the film is funny', 'it is dull', 'the hero likes it'];
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'text', data: text, type: 'STRING' },
        { name: 'label', data: [1n, 0n, 1n], type: 'INT64' },
      ],
    }),
  );
}

export const CONLLU = `# sent_id = 1
# text = The film is funny.
1\tThe\tthe\tDET\t_\t_\t2\tdet\t_\t_
2\tfilm\tfilm\tNOUN\t_\t_\t4\tnsubj\t_\t_
3\tis\tbe\tAUX\t_\t_\t4\tcop\t_\t_
4\tfunny\tfunny\tADJ\t_\t_\t0\troot\t_\tSpaceAfter=No
5\t.\t.\tPUNCT\t_\t_\t4\tpunct\t_\t_

# text = dell'arte
1-2\tdell'\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tdi\tdi\tADP\t_\t_\t3\tcase\t_\t_
2\tl'\til\tDET\t_\t_\t3\tdet\t_\t_
3\tarte\tarte\tNOUN\t_\t_\t0\troot\t_\t_

`;

export const RULES = JSON.stringify({
  name: 'nouns first',
  tags: ['ADJ', 'NOUN', 7],
  scope: 'sentence',
  hard: { ADJ: ['NOUN', { tag: 7, scope: 4 }], '*': ['='] },
  soft: [
    ['NOUN', 'ADJ'],
    [7, '*', 'document'],
  ],
  beta: 5,
});

export const HEAD_RULES = JSON.stringify({
  tags: ['ADJ', 'NOUN'],
  heads: [[{ hard: { '*': ['='] } }, { hard: [['ADJ', 'NOUN']], soft: [['NOUN', 'ADJ', 3]] }]],
});

export const EXPERIMENT = JSON.stringify({
  name: 'two',
  description: 'which',
  settings: { data: 'embedded', epochs: 2, lr: 5e-4, tune: false },
  conditions: { none: { strategy: 'none' }, 'random rules': { strategy: 'hard', rules: 'random' } },
  grid: { seed: [1, 2], maxLength: [64, 128] },
  comparisons: [['random rules', 'none']],
  range: ['random rules', 'none'],
});

export function resultFiles(): Files {
  const cells = [cellOf('none', 1, 5), cellOf('none', 2, 6), cellOf('hard', 1, 7), cellOf('hard', 2, 8)];
  return textFiles(Object.fromEntries(cells.map((cell, at) => [`${at}.json`, JSON.stringify(cell)])));
}

const METRICS = [
  { kind: 'steps', step: 2, loss: 0.7, rate: 1e-4, tokensPerSecond: 1000 },
  {
    kind: 'evaluation',
    epoch: 1,
    step: 2,
    loss: 0.6,
    accuracy: 0.5,
    f1: 0.5,
    matthews: 0,
    predicted: '0110',
  },
  { kind: 'steps', step: 4, loss: null, rate: 0, tokensPerSecond: 1000 },
  {
    kind: 'evaluation',
    epoch: 1,
    step: 4,
    loss: 0.5,
    accuracy: 0.75,
    f1: 0.5,
    matthews: 0.1,
    predicted: [0, 1, 1, 1],
  },
  {
    kind: 'epoch',
    epoch: 1,
    step: 4,
    devLoss: 0.5,
    devAccuracy: 0.75,
    devF1: 0.5,
    devMatthews: 0.1,
    devPredicted: [0, 1, 1, 1],
    trainLoss: 0.65,
    seconds: 1.5,
    tokensPerSecond: 1000,
  },
];

const RECORD = {
  strategy: 'hard',
  rules: 'paper',
  beta: 5,
  data: 'data',
  density: 0.4,
  rows: { train: 12, dev: 4 },
  epochs: 1,
  batchSize: 4,
  seed: 42,
  metricForBestModel: 'accuracy',
  maxLength: 8,
  adapter: { kind: 'gpu', reason: '', vendor: '', architecture: '', device: '', description: 'an adapter' },
  fingerprints: { model: 'a', data: 'b', kernels: 'c', adapter: 'd' },
  notes: { command: 'parsimony train' },
};

/** A finished run's folder, as far as `report` reads it. */
export function runFiles(): Files {
  return {
    ...modelFiles('safetensors'),
    ...textFiles({
      'training.json': JSON.stringify(RECORD),
      'metrics.jsonl': METRICS.map((line) => `${JSON.stringify(line)}\n`).join(''),
    }),
  };
}

/** A run's checkpoint between two steps. */
export function checkpointFile(): Uint8Array {
  const values = randomWeights(TINY_CONFIG, 1);
  const notes = {
    run: '0123456789abcdef',
    position: startOfEpoch(1, 0),
    best: { by: 'accuracy' as const, value: 0.5, step: 2 },
    metrics: { bytes: 100, sha256: '0'.repeat(64) },
    files: {},
  };
  return formatCheckpoint(TINY_CONFIG, notes, { values, firstMoment: values, secondMoment: values });
}

const GREEN = { passed: true, maxError: 1e-7, shareOfBound: 0.1, complaints: [] };

function environment() {
  return reportOf([]).environment;
}

export function attentionReport(): string {
  return JSON.stringify({ ...reportOf(someRows()), peaks: { gflops: 10, gigabytesPerSecond: 8 } });
}

export function otherReports(): Record<string, string> {
  const shared = { environment: environment(), gate: GREEN, interrupted: false };
  const step = (strategy: string, ratio: number) => ({
    strategy,
    rules: 'paper',
    text: 'sentences',
    length: 24,
    batch: 32,
    medianMs: 8 * ratio,
    tokensPerSecond: 1000,
    kernelsMs: 4,
    attentionMs: 1,
    ratioToDense: ratio,
    ratioLow: ratio,
    ratioHigh: ratio,
    attentionSpeedup: 1,
    predictedSpeedup: 1,
    predictedFromIdeal: null,
    realisedSpeedup: 1 / ratio,
  });
  const reports = {
    step: {
      kind: 'step',
      settings: { repeats: 3, data: 'embedded' },
      rows: [step('none', 1), step('hard', 0.9)],
    },
    growth: {
      kind: 'growth',
      settings: { data: 'embedded' },
      rows: [
        {
          strategy: 'hard',
          rules: 'paper',
          pass: 'forward',
          length: 512,
          heads: 2,
          headDim: 64,
          medianMs: 3,
          usefulPairs: 1000,
          bytesPerToken: 2048,
          nsPerUsefulPair: 1,
          ratioToShortest: 1.1,
          ratioLow: 1,
          ratioHigh: 1.2,
        },
      ],
    },
    limits: {
      kind: 'limits',
      limits: {
        multiplyAddGflops: 10,
        matrixProductGflops: 8,
        copyGBs: 5,
        dispatchMicroseconds: 9,
        submitMicroseconds: 40,
      },
      products: [{ rows: 512, inputs: 512, outputs: 512, gflops: 8 }],
      dense: [{ length: 512, heads: 8, headDim: 64, gflops: 6, shareOfPeak: 0.7 }],
      rows: [
        { kernel: 'linear/forward', shape: '1', medianMs: 3, intensity: 100, gflops: 7, shareOfRoof: 0.9 },
      ],
    },
    peers: {
      kind: 'peers',
      settings: { data: 'embedded' },
      rows: [
        {
          peer: 'a peer',
          mask: false,
          length: 512,
          heads: 2,
          headDim: 64,
          pass: 'forward',
          medianMs: 3,
          maxError: 1e-7,
          ratioToParsimonyLow: 1,
          ratioToParsimonyHigh: 1.2,
        },
      ],
    },
  };
  const trace = {
    traceEvents: [
      { name: 'process_name', ph: 'M', pid: 1, tid: 0, args: { name: 'parsimony' } },
      { name: 'plan', ph: 'X', cat: 'cpu', ts: 0, dur: 100, pid: 1, tid: 2, args: { step: 1 } },
      {
        name: 'attention_forward',
        ph: 'X',
        cat: 'kernel',
        ts: 100,
        dur: 50,
        pid: 1,
        tid: 6,
        args: { step: 1 },
      },
    ],
    otherData: environment(),
  };
  return {
    ...Object.fromEntries(
      Object.entries(reports).map(([name, fields]) => [
        `${name}.json`,
        JSON.stringify({ ...shared, ...fields }),
      ]),
    ),
    'trace.json': JSON.stringify(trace),
  };
}

export const CHOICES = JSON.stringify({
  adapter: 'an adapter',
  headDim: 64,
  variants: { 'sparse, up to 64': 'subgroup, 8 rows, cost 256' },
});
