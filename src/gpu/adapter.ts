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
  /** Why this adapter was chosen, in words for `parsimony doctor`. */
  reason: string;
}

/** The description of an adapter that `parsimony doctor` prints and benchmarks record. */
export interface AdapterDescription {
  kind: AdapterKind;
  /** Why this adapter was chosen, in words. */
  reason: string;
  /** As `GPUAdapterInfo` of WebGPU has it, as are the next three; empty where the driver does not tell. */
  vendor: string;
  architecture: string;
  /** A GPU's model: "nvidia-h200". */
  device: string;
  /** The driver, or the name of a software adapter. */
  description: string;
}

/** The parts of an adapter's description that name it. Files may lack some. */
export interface NamedAdapter {
  kind: string;
  vendor?: string;
  device?: string;
  description: string;
}

/** The spelling of vendors and product lines. A word with a digit is a model, in capitals. */
const SPELLINGS = ['NVIDIA', 'AMD', 'RTX', 'GTX', 'RX', 'UHD', 'HD', 'GeForce', 'SwiftShader', 'MI'];

function spelled(word: string): string {
  const spelling = SPELLINGS.find((each) => each.toLowerCase() === word);
  if (spelling) return spelling;
  return /\d/.test(word) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1);
}

/**
 * The name of an adapter: "NVIDIA H200". The `device` of a GPU names its model ("nvidia-h200"). WebGPU's description is that of the
 * driver ("NVIDIA: 580.159.04"), which for a software adapter is its name.
 */
export function adapterName({ kind, vendor = '', device = '', description }: NamedAdapter): string {
  const words = kind === 'gpu' ? device.split('-').filter(Boolean) : [];
  if (words.length > 0) return words.map(spelled).join(' ');
  return description || device || vendor || kind;
}

const SOFTWARE_NAMES = /llvmpipe|lavapipe|softpipe|swiftshader|basic render|warp/i;

/** Whether the name of an adapter is that of one that computes on the CPU. */
export function isSoftwareName(name: string): boolean {
  return SOFTWARE_NAMES.test(name);
}

/** Whether an adapter computes on the CPU. */
export function isSoftwareAdapter({
  description,
  device,
  architecture,
  isFallbackAdapter,
}: GPUAdapterInfo): boolean {
  return isFallbackAdapter || isSoftwareName(`${description} ${device} ${architecture}`);
}
