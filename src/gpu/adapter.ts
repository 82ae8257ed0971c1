/**
 * Which adapter to open: `auto` takes a real GPU, else a software driver of the system, else the embedded one; `gpu`,
 * `system` and `embedded` force one of these; any other text is part of an adapter's name.
 */
export type AdapterChoice = 'auto' | 'gpu' | 'system' | 'embedded' | (string & {});

/** What kind of adapter was found. */
export type AdapterKind = 'gpu' | 'system software' | 'embedded software' | 'browser' | "caller's own";

export interface FoundAdapter {
  adapter: GPUAdapter;
  kind: AdapterKind;
  /** Why this adapter and no other, in words for `parsimony doctor`. */
  reason: string;
}

/** What `parsimony doctor` prints and a benchmark records about the adapter. */
export interface AdapterDescription {
  kind: AdapterKind;
  reason: string;
  vendor: string;
  architecture: string;
  device: string;
  description: string;
}

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
  const spelling = SPELLINGS.find((each) => each.toLowerCase() === word);
  if (spelling) return spelling;
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

const SOFTWARE_NAMES = /llvmpipe|lavapipe|softpipe|swiftshader|basic render|warp/i;

/** True where a name, as drivers tell it, is that of one that computes on the CPU. */
export function isSoftwareName(name: string): boolean {
  return SOFTWARE_NAMES.test(name);
}

/** True where an adapter computes on the CPU. */
export function isSoftwareAdapter({
  description,
  device,
  architecture,
  isFallbackAdapter,
}: GPUAdapterInfo): boolean {
  return isFallbackAdapter || isSoftwareName(`${description} ${device} ${architecture}`);
}
