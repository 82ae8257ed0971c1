import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { escapeControls, ParsimonyError } from '../base/errors.js';
import { addCommands } from './command-list.js';
import { completeCommand } from './completion.js';
import { withHelpStyle } from './help-style.js';
import { checkOutputs, withJsonTargets } from './output-files.js';
import { bad } from './terminal.js';

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

async function program(args: readonly string[]): Promise<Command> {
  const root = new Command('parsimony')
    .description('Attention that computes only the token pairs that grammar allows.')
    .version(packageVersion());
  await addCommands(root, args);
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
  try {
    await (await program(args)).parseAsync(withJsonTargets(args), { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}
