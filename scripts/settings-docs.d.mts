export function settingsPage(
  settings: typeof import('../src/train/settings.js'),
  groups: typeof import('../src/train/setting-groups.js'),
  options: typeof import('../src/cli/setting-options.js'),
): string;
