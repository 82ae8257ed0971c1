import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { escapeControls, ParsimonyError } from '../base/errors.js';
import { benchCommand } from './bench.js';
import { completeCommand, completionCommand } from './completion.js';
import { demoCommand } from './demo.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { experimentCommand } from './experiment-command.js';
import { explainCommand } from './explain.js';
import { grampairCommand } from './grampair-command.js';
import { withHelpStyle } from './help-style.js';
import { checkOutputs, withJsonTargets } from './output-files.js';
import { predictCommand } from './predict.js';
import { profileCommand } from './profile.js';
import { reportCommand } from './report-command.js';
import { rulesCommand } from './rules-command.js';
import { tagCommand } from './tag.js';
import { bad } from './terminal.js';
import { trainCommand } from './train.js';
import { tuneCommand } from './tune.js';
import { workerCommand } from './worker-command.js';

const CALLERS_MISTAKE = 2;
export const OUR_MISTAKE = 1;

/** The start of an error's line. */
export function errorPrefix(): string {
  return bad('parsimony:', process.stderr);
}

/** The version of this package. Its package.json is above `dist/`, three folders up from this file. */
function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

function program(): Command {
  const root = new Command('parsimony')
    .description('Attention that computes only the token pairs that grammar allows.')
    .version(packageVersion());
  for (const command of [
    demoCommand,
    trainCommand,
    evaluateCommand,
    experimentCommand,
    workerCommand,
    reportCommand,
    predictCommand,
    tagCommand,
    grampairCommand,
    explainCommand,
    rulesCommand,
    benchCommand,
    profileCommand,
    tuneCommand,
    doctorCommand,
    completionCommand,
  ]) {
    root.addCommand(command());
  }
  root.addCommand(completeCommand(root), { hidden: true });
  for (const command of [root, ...root.commands, ...root.commands.flatMap((group) => group.commands)]) {
    withHelpStyle(command.exitOverride());
    command.configureOutput({
      outputError: (text, write) => write(`${errorPrefix()} ${escapeControls(oneLine(text))}\n`),
    });
  }
  return root.hook('preAction', (_, command) => checkOutputs(command));
}

/** An error of commander as one line: it puts its suggestion, "(Did you mean train?)", on a second one. */
function oneLine(text: string): string {
  return text
    .trimEnd()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\)$/, '; did you mean $1');
}

/** Prints an error as one line on standard error. @returns The exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : CALLERS_MISTAKE;
  if (error instanceof ParsimonyError) {
    process.stderr.write(`${errorPrefix()} ${error.message}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `${errorPrefix()} internal error: ${escapeControls(message.replace(/\s*\n\s*/g, ' '))}\n`,
  );
  return OUR_MISTAKE;
}

/**
 * Runs the command of these arguments, which follow `parsimony`. Every error is one line on standard error.
 * @returns The exit code.
 */
export async function run(args: readonly string[]): Promise<number> {
  return program()
    .parseAsync(withJsonTargets(args), { from: 'user' })
    .then(() => Number(process.exitCode ?? 0), report);
}
