export function installModel(folder: string, site: string, note: string): void;
