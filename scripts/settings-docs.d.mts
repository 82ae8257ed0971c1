export function settingsPage(
  settings: typeof import('../src/train/settings.js'),
  options: typeof import('../src/cli/setting-options.js'),
): string;
