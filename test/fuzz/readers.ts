import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAttentionConfig } from '../../bench/attention-settings.js';
import { compareReports, parseReport } from '../../bench/compare.js';
import { benchSection } from '../../bench/page/bench-section.js';
import { checkedChoices } from '../../src/attention/kernel-choices.js';
import { readInputs } from '../../src/cli/report-inputs.js';
import { dataSource } from '../../src/data/sources.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { parseModelRules } from '../../src/grammar/rules-file.js';
import { sectionsPage } from '../../src/report/page/html-page.js';
import { runSection } from '../../src/report/runs/run-section.js';
import { readCheckpoint } from '../../src/train/checkpoint-file.js';
import { cellsOf } from '../../src/train/experiment/experiment.js';
import { parseExperiment } from '../../src/train/experiment/parse-experiment.js';
import { loadDescription } from '../../src/train/model-folder.js';
import { loadWeights } from '../../src/train/model-weights.js';
import { taggedTokens } from '../support/tagged-text.js';
import type { Structure } from './mutate.js';
import {
  attentionReport,
  CHOICES,
  CONLLU,
  checkpointFile,
  EXPERIMENT,
  type Files,
  HEAD_RULES,
  modelFiles,
  otherReports,
  parquetFile,
  RULES,
  resultFiles,
  runFiles,
  TINY_CONFIG,
  textFiles,
} from './samples.js';

/** Something that reads files of unknown origin. */
export interface FuzzReader {
  name: string;
  /** Valid inputs: each the files of a folder. */
  samples(): Files[];
  /** The files that are changed, by name, and their structure. */
  structureOf(file: string): Structure | undefined;
  /** Reads a folder's files, as commands do: it ends, or throws an error that names the file. */
  read(folder: string): Promise<unknown>;
}

const onlyFile = (folder: string) => join(folder, readdirSync(folder)[0]);
const textOf = (file: string) => readFileSync(file, 'utf8');

/** A cached file of choices that is not JSON counts as missing. */
function choicesIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function dataReader(name: string, structure: Structure, samples: () => Files[]): FuzzReader {
  return {
    name,
    samples,
    structureOf: () => structure,
    async read(folder) {
      const source = dataSource(onlyFile(folder), { split: 'train' });
      if (name === 'conllu') return source.texts('train');
      await source.examples('train');
      return source.texts('train');
    },
  };
}

function modelReader(name: string, format: Parameters<typeof modelFiles>[0], files: RegExp): FuzzReader {
  return {
    name,
    samples: () => [modelFiles(format)],
    structureOf(file) {
      if (!files.test(file)) return undefined;
      if (file.endsWith('.safetensors')) return 'safetensors';
      if (file.endsWith('.bin')) return 'bytes';
      return file.endsWith('.json') ? 'json' : 'text';
    },
    async read(folder) {
      const { config } = await loadDescription(folder);
      return loadWeights(folder, config);
    },
  };
}

/** Reads the inputs of `report`, and makes its page. */
async function readReport(paths: readonly string[]): Promise<void> {
  const inputs = await readInputs(paths);
  const sections = inputs.map((input, at) =>
    input.kind === 'runs' ? runSection(input.group, `runs-${at}`) : benchSection(input.report, `bench-${at}`),
  );
  sectionsPage('a page', sections);
}

function jsonReader(name: string, samples: () => string[], read: (file: string) => unknown): FuzzReader {
  return {
    name,
    samples: () => samples().map((text) => textFiles({ 'input.json': text })),
    structureOf: () => 'json',
    read: async (folder) => read(onlyFile(folder)),
  };
}

export const READERS: readonly FuzzReader[] = [
  dataReader('tsv', 'text', () => [
    textFiles({ 'a.tsv': 'sentence\tlabel\nit is funny .\t1\nit is dull\t0\n' }),
  ]),
  dataReader('csv', 'text', () => [
    textFiles({ 'a.csv': 'text,label\n"it is ""funny"", and\nlong",pos\r\nit is dull,neg\n' }),
  ]),
  dataReader('jsonl', 'text', () => [
    textFiles({ 'a.jsonl': '{"text":"it is funny","label":1}\n{"text":"it is dull","label":0}\n' }),
  ]),
  dataReader('parquet', 'bytes', () => [{ 'a.parquet': parquetFile() }]),
  dataReader('conllu', 'text', () => [textFiles({ 'a.conllu': CONLLU })]),
  jsonReader(
    'rules',
    () => [RULES, HEAD_RULES],
    (file) => parseModelRules(textOf(file), file),
  ),
  jsonReader(
    'experiment',
    () => [EXPERIMENT],
    (file) => cellsOf(parseExperiment(textOf(file), file)),
  ),
  jsonReader(
    'kernel-choices',
    () => [CHOICES],
    (file) => checkedChoices(choicesIn(textOf(file)), file),
  ),
  jsonReader(
    'bench-config',
    () => ['{"lengths":[128,"sentences"],"heads":[2],"rules":["paper"],"controls":false,"repeats":3}'],
    (file) => parseAttentionConfig(textOf(file), file),
  ),
  jsonReader(
    'bench-compare',
    () => [attentionReport()],
    (file) => {
      const report = parseReport(textOf(file), file);
      return compareReports(report, report);
    },
  ),
  jsonReader(
    'bench-attention',
    () => [attentionReport()],
    (file) => readReport([file]),
  ),
  jsonReader(
    'bench-other',
    () => Object.values(otherReports()),
    (file) => readReport([file]),
  ),
  {
    name: 'results',
    samples: () => [resultFiles()],
    structureOf: () => 'json',
    read: (folder) => readReport([folder]),
  },
  {
    name: 'run',
    samples: () => [runFiles()],
    structureOf: (file) => (({ 'metrics.jsonl': 'text', 'training.json': 'json' }) as const)[file],
    read: (folder) => readReport([folder]),
  },
  modelReader('config', 'safetensors', /^config\.json$/),
  modelReader('tokenizer', 'safetensors', /^tokenizer_config\.json$/),
  modelReader('vocabulary', 'safetensors', /^vocab\.txt$/),
  modelReader('safetensors', 'safetensors', /\.safetensors$/),
  modelReader('sharded', 'safetensors in two files', /\.index\.json$/),
  modelReader('torch', 'bin, zip', /\.bin$/),
  modelReader('torch-legacy', 'bin before 1.6', /\.bin$/),
  {
    name: 'checkpoint',
    samples: () => [{ 'checkpoint.safetensors': checkpointFile() }],
    structureOf: () => 'safetensors',
    read: (folder) => readCheckpoint(onlyFile(folder), TINY_CONFIG),
  },
  {
    name: 'tagger',
    samples: () => [
      textFiles({ 'a.txt': "It 's not a dull film, n't it? The hero likes brilliant stories." }),
    ],
    structureOf: () => 'text',
    read: async (folder) => taggedTokens(textOf(onlyFile(folder)), bertVocabulary()),
  },
];

/** @throws Error where there is no such reader. */
export function readerNamed(name: string): FuzzReader {
  const found = READERS.find((reader) => reader.name === name);
  if (found) return found;
  throw new Error(`no reader "${name}"; there are ${READERS.map((reader) => reader.name).join(', ')}`);
}
