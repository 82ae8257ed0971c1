// Writes docs/settings.md from the schema of settings: node scripts/settings-docs.mjs, after a build. A test keeps it up to date.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = new URL('../docs/settings.md', import.meta.url);

const HEAD = '| setting | flag | what it is | default | also |\n| --- | --- | --- | --- | --- |';

/** Whether a setting is true by default: its flag and its help are those of its negation. */
const isOn = (setting) => setting.value === undefined && setting.default === true;

/** What a setting is, and its default; empty where it has none. */
export function settingText(setting, defaultText) {
  const { value, help, type } = setting;
  const kinds = type.type === 'picklist' ? type.options.map((one) => `\`${one}\``).join(', ') : undefined;
  const what = [isOn(setting) ? `if false: ${help}` : help, ...(kinds ? [kinds] : [])].join(': ');
  return { what, standard: value === undefined ? `${setting.default}` : (defaultText(setting) ?? '') };
}

/** The text of docs/settings.md. */
export function settingsPage({ SETTINGS, flagOf }, { SETTING_GROUPS }, { defaultText }) {
  const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const row = (name) => {
    const setting = SETTINGS[name];
    const { value, aliases = [] } = setting;
    const flag = `\`${flagOf(isOn(setting) ? `no-${name}` : name)}${value ? ` <${value}>` : ''}\``;
    const { what, standard } = settingText(setting, defaultText);
    const before = aliases.map((one) => `\`${one}\``).join(', ');
    return `| \`${name}\` | ${flag} | ${cell(what)} | ${cell(standard)} | ${before} |`;
  };
  const sections = Object.entries(SETTING_GROUPS).map(
    ([group, names]) => `## ${group}\n\n${HEAD}\n${names.map(row).join('\n')}\n`,
  );
  return `# Settings

A setting has one name: in camel case in an experiment's file, in \`training.json\` and in the library, and as a flag of
\`parsimony train\`. The names are those of Hugging Face's \`TrainingArguments\` where it has one. Short forms and
the names of version 0.1 are also accepted, as flags and in files. This page is written by \`node scripts/settings-docs.mjs\` from \`src/train/settings.ts\`.

${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const modules = ['train/settings.js', 'train/setting-groups.js', 'cli/setting-options.js'];
  const [settings, groups, options] = await Promise.all(modules.map((path) => import(`../dist/src/${path}`)));
  writeFileSync(PAGE, settingsPage(settings, groups, options));
}
