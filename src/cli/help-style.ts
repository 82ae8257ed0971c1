import { type Argument, type Command, InvalidArgumentError, type Option } from 'commander';
import { closest } from '../base/closest.js';

/** A default in the help: a list as it is typed. */
function written(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : `${value}`;
}

/** What an option is, its choices, its default and its environment variable, as "(one of: a, b; default: a)". */
function describe(option: Option): string {
  const { description, argChoices, defaultValue, defaultValueDescription, envVar } = option;
  const hasValue = option.required || option.optional;
  const standard =
    defaultValueDescription ?? (hasValue && defaultValue !== undefined ? written(defaultValue) : undefined);
  const more = [
    ...(argChoices ? [`one of: ${argChoices.join(', ')}`] : []),
    ...(standard === undefined ? [] : [`default: ${standard}`]),
    ...(envVar === undefined ? [] : [`env: ${envVar}`]),
  ];
  return more.length > 0 ? `${description} (${more.join('; ')})` : description;
}

/** What an argument is, and its choices. */
function describeArgument({ description, argChoices }: Argument): string {
  return argChoices ? `${description} (one of: ${argChoices.join(', ')})` : description;
}

/** Refuses what is not a choice, with the choice that was probably meant. */
function checkChoice(option: Option | Argument): void {
  const choices = option.argChoices;
  if (!choices) return;
  option.argParser((value: string) => {
    if (choices.includes(value)) return value;
    const meant = closest(value, choices);
    const question = meant === undefined ? '' : `; did you mean ${meant}?`;
    throw new InvalidArgumentError(`expected one of: ${choices.join(', ')}${question}`);
  });
}

/** Gives the options of a command one style in its help, and suggestions in its errors. */
export function withHelpStyle(command: Command): void {
  command.configureHelp({ optionDescription: describe, argumentDescription: describeArgument });
  for (const each of [...command.options, ...command.registeredArguments]) checkChoice(each);
}
