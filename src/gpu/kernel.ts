import { EngineError } from '../base/errors.js';
import { kernelOrigins, kernelSources } from './kernel-sources.generated.js';

/** The names of the linked kernels, as in dist/kernels/, without their ending. */
export type KernelName = keyof typeof kernelSources;

/** Values for `const NAME = …;` lines of a kernel. Nothing else in its text changes, except `withImmediates`. */
export type KernelConstants = Readonly<Record<string, number>>;

type ParameterType = 'u32' | 'f32';

/** A storage buffer, or a texture of f32 vectors that is read or written texel by texel. */
export interface KernelBinding {
  name: string;
  access: 'read' | 'read_write' | 'texture read' | 'texture write';
}

/** Whether a text names a kernel. */
function isKernelName(name: string): name is KernelName {
  return Object.hasOwn(kernelSources, name);
}

/**
 * The origin of a line of a kernel's text, counted from 1: "kernels/attention/dropout.wesl:12". Constants are replaced within their
 * lines, so that lines are the same in the text that compilers see.
 */
export function originOf(name: KernelName, line: number): string {
  const origins: [number, string, number][] = kernelOrigins[name];
  const [start, module, first] = origins.findLast(([begin]) => begin <= line) ?? origins[0];
  return `kernels/${module}.wesl:${first + Math.max(0, line - start)}`;
}

/** A compiler's message about a kernel, with modules and lines instead of lines of the linked text. */
export function withOrigins(message: string): string {
  const name = message.match(/[\w/]+/g)?.find(isKernelName);
  if (!name) return message;
  return message.replace(
    /(?<![\w.]):(\d+):(\d+)/g,
    (_, line, column) => `${originOf(name, Number(line))}:${column}`,
  );
}

/** A kernel's text and its declarations: storage buffers and textures by binding number, and the fields of its uniform. */
export interface Kernel {
  name: KernelName;
  code: string;
  bindings: KernelBinding[];
  parameters: { name: string; type: ParameterType }[];
}

function replaceConstants(name: KernelName, source: string, constants: KernelConstants): string {
  let code = source;
  for (const [constant, value] of Object.entries(constants)) {
    const declaration = new RegExp(`^const ${constant} = [^;]+;`, 'm');
    if (!declaration.test(code)) {
      throw new EngineError({ what: `there is no "const ${constant}"`, where: `kernel ${name}` });
    }
    code = code.replace(declaration, `const ${constant} = ${value}u;`);
  }
  return code;
}

function storageBindings(code: string): KernelBinding[] {
  const buffer = /@group\(0\) @binding\((\d+)\)\s+var<storage, (read|read_write)>\s+(\w+)/g;
  const texture = /@group\(0\) @binding\((\d+)\)\s+var (\w+): texture_storage_2d<rgba32float, (read|write)>/g;
  const bindings: KernelBinding[] = [];
  for (const [, index, access, name] of code.matchAll(buffer)) {
    bindings[Number(index)] = { name, access: access as KernelBinding['access'] };
  }
  for (const [, index, name, access] of code.matchAll(texture)) {
    bindings[Number(index)] = { name, access: `texture ${access}` as KernelBinding['access'] };
  }
  return bindings;
}

function uniformFields(code: string): Kernel['parameters'] {
  const body = /struct Parameters \{([^}]*)\}/.exec(code)?.[1] ?? '';
  const fields = body.replace(/\/\/.*/g, '');
  return [...fields.matchAll(/(\w+): (u32|f32)\b/g)].map(([, name, type]) => ({
    name,
    type: type as ParameterType,
  }));
}

/**
 * Reads a kernel: its storage buffers and textures are in group 0 in the order of their binding numbers. Its one uniform, a
 * `struct Parameters` of u32 and f32 fields, is in group 1.
 *
 * @throws EngineError where a constant to be replaced is not declared.
 */
export function readKernel(name: KernelName, constants: KernelConstants = {}): Kernel {
  const code = replaceConstants(name, kernelSources[name], constants);
  return { name, code, bindings: storageBindings(code), parameters: uniformFields(code) };
}

/** A kernel's text that reads its parameters from immediate data instead of a uniform buffer. */
export function withImmediates(code: string): string {
  return code.replace('@group(1) @binding(0) var<uniform>', 'var<immediate>');
}

/**
 * Packs parameters in the order of the kernel's struct, four bytes each.
 * @throws EngineError where a field is missing or unknown.
 */
export function packParameters(
  { name: kernel, parameters }: Kernel,
  values: Readonly<Record<string, number>>,
  target: DataView,
  offset: number,
): void {
  let unknown = 0;
  for (const _ in values) unknown++;
  for (let index = 0; index < parameters.length; index++) {
    const { name, type } = parameters[index];
    const value = values[name];
    if (value === undefined) {
      throw new EngineError({ what: `parameter "${name}" was not given`, where: `kernel ${kernel}` });
    }
    unknown--;
    if (type === 'u32') target.setUint32(offset + 4 * index, value, true);
    else target.setFloat32(offset + 4 * index, value, true);
  }
  if (unknown === 0) return;
  const name = Object.keys(values).find((each) => !parameters.some((field) => field.name === each));
  throw new EngineError({ what: `there is no parameter "${name}"`, where: `kernel ${kernel}` });
}
