import type { Command } from 'commander';
import { benchLimits } from '../../bench/roofline.js';
import { benchCompareCommand } from './bench-compare.js';
import { benchGpuCommand } from './bench-gpu.js';
import { benchmark, type OutputFlags, outputOptions, runBenchmark } from './bench-output.js';
import { benchPredictCommand } from './bench-predict.js';
import { benchStepCommand } from './bench-step.js';
import { benchAttentionCommand, benchGrowthCommand, benchPeersCommand } from './bench-sweeps.js';
import { settingOption } from './setting-options.js';

const EXAMPLE = `
Example:
  $ parsimony bench attention --lengths 1024 --strategies none,hard`;

/** `parsimony bench`: each benchmark is a command of its own. */
export function benchCommand(command: Command): void {
  for (const benchmark of [
    benchGpuCommand,
    benchAttentionCommand,
    benchGrowthCommand,
    benchStepCommand,
    benchLimitsCommand,
    benchPeersCommand,
    benchPredictCommand,
    benchCompareCommand,
  ])
    command.addCommand(benchmark());
  command.addHelpText('after', EXAMPLE);
}

function benchLimitsCommand(): Command {
  const description = "the adapter's measured peaks, and where each kernel is under them";
  const options = [settingOption('adapter'), ...outputOptions()];
  return benchmark('limits', description, options, '  $ parsimony bench limits --json limits.json').action(
    (flags: OutputFlags & { adapter?: string }) => runBenchmark(flags, benchLimits),
  );
}
