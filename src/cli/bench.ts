import { Command } from 'commander';
import { benchAttentionCommand } from './bench-attention.js';
import { benchCompareCommand } from './bench-compare.js';
import { benchGrowthCommand } from './bench-growth.js';
import { benchLimitsCommand } from './bench-limits.js';
import { checkOutputs, type OutputFlags } from './bench-output.js';
import { benchPeersCommand } from './bench-peers.js';
import { benchStepCommand } from './bench-step.js';

const EXAMPLE = `
Example:
  $ parsimony bench attention --lengths 1024 --strategies none,hard`;

/** `parsimony bench`: each benchmark is a command of its own. */
export function benchCommand(): Command {
  const command = new Command('bench').description(
    'measure: every benchmark checks its results before it shows a time',
  );
  for (const benchmark of [
    benchAttentionCommand,
    benchGrowthCommand,
    benchStepCommand,
    benchLimitsCommand,
    benchPeersCommand,
    benchCompareCommand,
  ])
    command.addCommand(benchmark());
  command.hook('preAction', (_, benchmark) => checkOutputs(benchmark.opts<OutputFlags>()));
  return command.addHelpText('after', EXAMPLE);
}
