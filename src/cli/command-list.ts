import type { Command } from 'commander';

/** Gives a command its arguments, options, examples and action. */
type DefineCommand = (command: Command) => void;

/** What the help says of a command, and how its file is loaded. */
type ListedCommand = readonly [description: string, load: () => Promise<DefineCommand>];

/** The commands, in the order of the help. */
const COMMANDS: Readonly<Record<string, ListedCommand>> = {
  demo: [
    'train none, hard and soft side by side, then time their kernels on one long document, with a page of both',
    async () => (await import('./demo.js')).demoCommand,
  ],
  train: [
    'train a sentence classifier, from scratch or from a checkpoint',
    async () => (await import('./train.js')).trainCommand,
  ],
  evaluate: [
    "accuracy, F1, Matthews' correlation, loss and confusions of a model on labelled sentences",
    async () => (await import('./evaluate.js')).evaluateCommand,
  ],
  experiment: [
    'run a grid of trainings from a file, and compare their results',
    async () => (await import('./experiment-command.js')).experimentCommand,
  ],
  worker: [
    'run the cells that `experiment --queue` puts on a queue, until it is stopped',
    async () => (await import('./worker-command.js')).workerCommand,
  ],
  report: [
    'one page for training runs, experiments and benchmarks: curves, intervals, tables, commands',
    async () => (await import('./report-command.js')).reportCommand,
  ],
  predict: [
    'classify sentences, or the texts of a file',
    async () => (await import('./predict.js')).predictCommand,
  ],
  tag: [
    'show the tokens and tags of a text, and how many of its pairs the hard rules allow',
    async () => (await import('./tag.js')).tagCommand,
  ],
  grampair: [
    'write generated sentences with gold tags and five labels, each of which has its deciding pairs',
    async () => (await import('./grampair-command.js')).grampairCommand,
  ],
  explain: [
    'show what rules, plan and model make of a text: tags, pairs, tiles, attention, on a page',
    async () => (await import('./explain.js')).explainCommand,
  ],
  rules: [
    'look at rule sets, compare them, make them from a model',
    async () => (await import('./rules-command.js')).rulesCommand,
  ],
  bench: [
    'measure: every benchmark checks its results before it shows a time',
    async () => (await import('./bench.js')).benchCommand,
  ],
  profile: [
    'record training steps as a trace: tagging, planning, upload, every kernel',
    async () => (await import('./profile.js')).profileCommand,
  ],
  tune: [
    'measure the variants of the f32 attention kernels on this adapter, and keep the choice for later runs (f16 has one)',
    async () => (await import('./tune.js')).tuneCommand,
  ],
  doctor: [
    'say which GPU adapter is used and why, and what to install for a better one',
    async () => (await import('./doctor.js')).doctorCommand,
  ],
  completion: [
    "print a script with which a shell completes this program's commands and options",
    async () => (await import('./completion.js')).completionCommand,
  ],
};

/**
 * Adds all commands to the program. Only those that the arguments name are loaded, also as words to complete or after `help`: the files
 * of all take half a second. The others have a name and a description.
 */
export async function addCommands(root: Command, args: readonly string[]): Promise<void> {
  for (const [name, [description, load]] of Object.entries(COMMANDS)) {
    const command = root.command(name).description(description);
    if (args.includes(name)) (await load())(command);
  }
}
