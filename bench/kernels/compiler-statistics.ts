import { existsSync, readFileSync } from 'node:fs';
import { EngineError } from '../../src/base/errors.js';

/** The statistics of a driver's compiler for one kernel. */
export interface CompilerStatistics {
  /** Registers of an invocation, as the driver counts them: of 32 bits, Honeykrisp's of 16, Turnip's of four times 32. */
  registers: number;
  /** Registers that did not fit and are kept in memory, or the instructions that store them, as the driver counts. */
  spills: number;
  /** Registers of a scarcer kind (flags, scalars) that are kept in vector registers for a while. */
  moved: number;
  instructions: number;
  /** How much of the kernel a processor of the GPU holds at once, in the unit of its driver. */
  occupancy: number;
  /** Lanes of a subgroup. */
  subgroup: number;
}

type Named = Exclude<keyof CompilerStatistics, 'subgroup'>;

/** A driver's names of its statistics (VK_KHR_pipeline_executable_properties). A statistic without a name is 0. */
interface Dialect {
  driver: string;
  /** What its occupancy counts. */
  unit: string;
  names: Partial<Record<Named, string>>;
}

const DIALECTS: readonly Dialect[] = [
  {
    driver: 'NVK',
    unit: 'warps of a multiprocessor',
    names: {
      registers: 'Number of GPRs',
      spills: 'Spills to memory',
      moved: 'Spills to reg',
      instructions: 'Instruction count',
      occupancy: 'Max warps/SM',
    },
  },
  {
    driver: 'RADV',
    unit: 'waves of a SIMD',
    names: {
      registers: 'VGPRs',
      spills: 'Spilled VGPRs',
      moved: 'Spilled SGPRs',
      instructions: 'Instructions',
      occupancy: 'Subgroups per SIMD',
    },
  },
  {
    driver: 'Honeykrisp',
    unit: 'invocations of a workgroup, at most',
    names: { registers: 'GPRs', spills: 'Spills', instructions: 'Instructions', occupancy: 'Threads' },
  },
  {
    driver: 'Turnip',
    unit: 'waves of a core',
    names: {
      registers: 'Registers used',
      spills: 'STP Count',
      instructions: 'Instruction Count',
      occupancy: 'Max Waves Per Core',
    },
  },
];

/** One line of the file: a pipeline's statistics by the driver's own names. */
type Line = Readonly<Record<string, unknown>>;

function dialectOf(line: Line): Dialect {
  const dialect = DIALECTS.find(({ names }) => Object.values(names).every((name) => name in line));
  if (dialect) return dialect;
  throw new EngineError({
    what: `unknown statistics: ${Object.keys(line).join(', ')}`,
    where: 'SHADER_STATS',
    expected: `those of ${DIALECTS.map(({ driver }) => driver).join(', ')}`,
  });
}

/**
 * The file to which a layer of the Vulkan loader writes what a driver says of each compute pipeline that it made: a line of JSON
 * a pipeline, written before the call returns that made it. WebGPU itself does not report them.
 */
export class StatisticsFile {
  private taken: number;
  /** What occupancies count, once there is one. */
  unit: string | undefined;

  /** @param path What it already contains is left out. */
  constructor(private readonly path: string) {
    this.taken = this.text().length;
  }

  /**
   * The statistics of the pipeline that was made since the last call, if any; the last one of several.
   * @throws EngineError where the driver gives its statistics names that are not known.
   */
  take(): CompilerStatistics | undefined {
    const text = this.text();
    const line = text.slice(this.taken).trim().split('\n').at(-1);
    this.taken = text.length;
    if (!line) return undefined;
    const said: Line = JSON.parse(line);
    const { names, unit } = dialectOf(said);
    this.unit = unit;
    const numberOf = (name: Named) => Number(said[names[name] ?? ''] ?? 0);
    return {
      registers: numberOf('registers'),
      spills: numberOf('spills'),
      moved: numberOf('moved'),
      instructions: numberOf('instructions'),
      occupancy: numberOf('occupancy'),
      subgroup: Number(said.subgroup),
    };
  }

  private text(): string {
    return existsSync(this.path) ? readFileSync(this.path, 'utf8') : '';
  }
}
