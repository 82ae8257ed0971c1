/** What of an adapter's description names it; a file may have less. */
export interface NamedAdapter {
  kind: string;
  vendor?: string;
  device?: string;
  description: string;
}

/** How makers write their names and lines; what has a digit is a model and written large. */
const SPELLINGS = ['NVIDIA', 'AMD', 'RTX', 'GTX', 'RX', 'UHD', 'HD', 'GeForce', 'SwiftShader', 'MI'];

function spelled(word: string): string {
  const known = SPELLINGS.find((spelling) => spelling.toLowerCase() === word);
  if (known) return known;
  return /\d/.test(word) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1);
}

/**
 * What an adapter is called: "NVIDIA H200". What WebGPU describes is the driver ("NVIDIA: 580.159.04"), and of a software adapter
 * that is its name; of a GPU, `device` names the model ("nvidia-h200").
 */
export function adapterName({ kind, vendor = '', device = '', description }: NamedAdapter): string {
  const words = kind === 'gpu' ? device.split('-').filter(Boolean) : [];
  if (words.length > 0) return words.map(spelled).join(' ');
  return description || device || vendor || kind;
}
