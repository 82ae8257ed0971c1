import { type Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import { SPLITS, type Split } from '../data/dataset.js';
import { checkConfig } from '../nn/model-checks.js';
import { BERT_TINY, MODEL_SIZES } from '../nn/model-config.js';
import type { DataSettings } from '../train/run-data.js';
import { groupOf } from '../train/setting-groups.js';
import {
  flagOf,
  type RunSettings,
  SETTINGS,
  type Setting,
  type SettingName,
  wholeWithin,
} from '../train/settings.js';
import { namedTwice, settingNamed, withTodaysNames } from '../train/settings-schema.js';
import { jsonOption } from './output-files.js';

/** The flags that name data, and the columns of their files. */
export type DataFlags = DataSettings & { data: string };

/** The flags of a model's shape. */
export type ShapeFlags = Record<keyof (typeof MODEL_SIZES)['tiny'], number>;

/** A number as it is written; Number would take an empty text for 0, and 0x10 for 16. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Makes the parser of a flag's text. Its parser throws InvalidArgumentError where the text is not of the type. */
function parserOf<Value>(type: v.GenericSchema<unknown, Value>): (text: string) => Value {
  return (text) => {
    const value = type.type === 'number' ? (NUMBER.test(text.trim()) ? Number(text) : Number.NaN) : text;
    const { issues, output } = v.safeParse(type, value);
    if (issues) throw new InvalidArgumentError(`expected ${issues[0].message}`);
    return output;
  };
}

/** Makes the parser of a whole number within bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return parserOf(wholeWithin(least, most));
}

/** A time in seconds. A timer of JavaScript holds 2³¹ milliseconds, and fires at once for more. */
export const secondsNumber = wholeNumber(1, 2_000_000);

/** A share of something. */
export const shareNumber = parserOf(SETTINGS.until.type);

/** A number of processes. */
export const jobsNumber = wholeNumber(1, 1024);

export const seedNumber = parserOf(SETTINGS.seed.type);
export const realNumber = parserOf(SETTINGS.beta.type);

function optionNamed(name: string, setting: Setting, help: string): Option {
  const { type, value, default: standard } = setting;
  if (value === undefined) return new Option(flagOf(standard === true ? `no-${name}` : name), help);
  const option = new Option(`${flagOf(name)} <${value}>`, help);
  const { options } = type as { options?: unknown };
  return type.type === 'picklist' ? option.choices(options as string[]) : option.argParser(parserOf(type));
}

/** The text of a setting's default in `--help` and the docs; undefined where it has none. */
export function defaultText({ default: standard, otherwise, value }: Setting): string | undefined {
  return otherwise ?? (value === undefined || standard === undefined ? undefined : `${standard}`);
}

/** The flag of a setting, for a command with a default of its own. */
export function settingOption(name: SettingName): Option {
  const setting: Setting = SETTINGS[name];
  const option = optionNamed(name, setting, setting.help);
  return name === 'adapter' ? option.env('PARSIMONY_ADAPTER') : option;
}

/** The flags of all settings, their defaults in the help, and those of version 0.1, which the help leaves out. */
export function settingOptions(): Option[] {
  return Object.entries<Setting>(SETTINGS).flatMap(([name, setting]) => {
    const option = settingOption(name as SettingName);
    const text = defaultText(setting);
    if (text !== undefined) option.default(undefined, text);
    option.helpGroup(`${groupOf(name as SettingName)}:`);
    const aliases = setting.aliases ?? [];
    return [option, ...aliases.map((alias) => optionNamed(alias, setting, setting.help).hideHelp())];
  });
}

/** The flags of a command that reads texts without labels, besides `--data`. */
export function textOptions(): Option[] {
  return (['textColumn', 'tagsColumn'] as const).map(settingOption);
}

/** The flags of data in files, besides `--data`. */
export function fileOptions(): Option[] {
  return (['dev', 'test', 'textColumn', 'labelColumn', 'tagsColumn', 'devShare', 'seed'] as const).map(
    settingOption,
  );
}

/** The split that a command reads. */
export function splitOption(standard: Split): Option {
  return new Option('--split <name>', 'which part of the data').choices(SPLITS).default(standard);
}

/** The flags of a command that reads with a model: a mask instead of its own, and how it runs. */
export function modelOptions(): Option[] {
  return [
    ...(['strategy', 'rules', 'beta', 'precision', 'adapter'] as const).map(settingOption),
    jsonOption(),
  ];
}

/** Adds options to a command, in their order. */
export function withOptions(command: Command, ...options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

/** A model's shape, bert-tiny's by default. */
export function shapeOptions(): Option[] {
  const names = ['layers', 'hidden', 'heads', 'feedForward'] as const;
  return names.map((name) => settingOption(name).default(MODEL_SIZES.tiny[name]));
}

/** The shape of a model among a command's flags. @throws CallerError where the kernels cannot run it. */
export function shapeOf({ layers, hidden, heads, feedForward }: ShapeFlags): ShapeFlags {
  const shape = { layers, hidden, heads, feedForward };
  checkConfig({ ...BERT_TINY, ...shape });
  return shape;
}

/** The settings among a command's flags, by today's names. @throws CallerError where one is named twice. */
export function settingsOf(flags: object): RunSettings {
  const settings = Object.fromEntries(Object.entries(flags).filter(([name]) => settingNamed(name)));
  const twice = namedTwice(settings);
  if (!twice) return withTodaysNames(settings);
  throw new CallerError({ what: twice.map(flagOf).join(' beside '), expected: 'one of them' });
}
