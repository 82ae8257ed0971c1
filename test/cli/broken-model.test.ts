import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, it } from 'vitest';
import { formatSafetensors, parseSafetensors } from '../../src/train/safetensors.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';
import { SENTENCE, trainedModel, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

const PREDICT = ['predict', SENTENCE];
const EVALUATE = ['evaluate', '--data', 'data'];

beforeAll(async () => {
  writeTinyData(folder);
  await trainedModel(folder, 'whole');
});

/** Expects that a copy of the model, with one file changed, is refused by the name of that file. */
async function expectRefused(
  file: string,
  change: (path: string) => void,
  says: RegExp,
  command = PREDICT,
): Promise<void> {
  const copy = join(folder, 'broken');
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(folder, 'whole'), copy, { recursive: true });
  change(join(copy, file));
  const result = await runHere([...command, '--model', 'broken', '--json'], { cwd: folder });
  expectRefusal(result, CALLER, new RegExp(`^broken.${file.replace('.', '\\.')}(:\\d+)?: `));
  expectRefusal(result, CALLER, says);
}

/** Changes a JSON file of the model. */
function edited(change: (json: Record<string, unknown>) => void): (path: string) => void {
  return (path) => {
    const json = JSON.parse(readFileSync(path, 'utf8'));
    change(json);
    writeFileSync(path, JSON.stringify(json));
  };
}

function replaced(text: string, by: string): (path: string) => void {
  return (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(text, by));
}

describe('weights', () => {
  it.each([
    ['to nothing', 0],
    ['inside their header', 200],
    ['before their last number', -4],
  ])('that are cut off %s are refused', async (_, end) => {
    const cut = (path: string) => writeFileSync(path, readFileSync(path).subarray(0, end));
    await expectRefused('model.safetensors', cut, /(cut off|0 bytes); expected .*(copy|save)/);
  });

  it('that lack a tensor are refused by its name', async () => {
    const name = 'bert.encoder.layer.0.attention.self.key.bias';
    const without = (path: string) => {
      const tensors = parseSafetensors(readFileSync(path), path);
      tensors.delete(name);
      writeFileSync(path, formatSafetensors(tensors));
    };
    await expectRefused('model.safetensors', without, /tensor "bert\.\S+\.key\.bias" is missing/, EVALUATE);
  });

  it('that are missing are refused', async () => {
    await expectRefused('model.safetensors', (path) => rmSync(path), /cannot be read \(ENOENT\)/, EVALUATE);
  });
});

describe('a configuration', () => {
  it('that is cut off is refused', async () => {
    const cut = (path: string) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100));
    await expectRefused('config.json', cut, /config\.json:\d+: not JSON \(\w+\); expected a model's folder/);
  });

  it('that cuts sentences after the last position is refused', async () => {
    const change = edited((json) => Object.assign(json.parsimony as object, { max_length: 513 }));
    await expectRefused('config.json', change, /513.*512/);
  });

  it('with an unknown strategy is refused', async () => {
    const change = edited((json) => Object.assign(json.parsimony as object, { strategy: 'hardest' }));
    await expectRefused(
      'config.json',
      change,
      /config\.json:\d+: "parsimony\.strategy" is "hardest"; expected one of: none, hard/,
    );
  });
});

describe('a model', () => {
  it('is refused where its rules have an unknown tag, by the line', async () => {
    await expectRefused(
      'rules.json',
      replaced('["ADJ","NOUN"]', '["ADJ","NOMEN"]'),
      /:\d+: unknown tag "NOMEN"/,
    );
  });

  it('is refused where its vocabulary has a token twice, by the line', async () => {
    await expectRefused('vocab.txt', replaced('hero', 'film'), /:8: token "film" is on line 7 already/);
  });

  it('is refused where its vocabulary has a token too few', async () => {
    await expectRefused('vocab.txt', replaced('hero\n', ''), /14 tokens; expected 15, as config\.json says/);
  });
});

it('a folder without a model is refused, with the command that makes one', async () => {
  for (const model of ['data', 'nowhere']) {
    const result = await runHere(['predict', '--model', model, SENTENCE], { cwd: folder });
    expectRefusal(
      result,
      CALLER,
      /config\.json: cannot be read \(ENOENT\); expected .*parsimony train --out/,
    );
  }
});
