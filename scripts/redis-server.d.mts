export function missingForQueues(): string | undefined;

export class RedisServer {
  static start(folder: string, password: string): Promise<RedisServer>;
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}
