import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What tests of queues lack here; undefined where they can run. */
export function missingForQueues(): string | undefined {
  const { resolve } = createRequire(import.meta.url);
  for (const name of ['bullmq', 'ioredis']) {
    try {
      resolve(name);
    } catch {
      return `the package ${name}`;
    }
  }
  return spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'redis-server';
}

/** A port that no process listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A Redis server of the test's own, on its own port and folder, that writes each command to an append-only file. */
export class RedisServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly password: string,
  ) {}

  static async start(folder: string, password: string): Promise<RedisServer> {
    const server = new RedisServer(folder, await freePort(), password);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://:${this.password}@127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const flags = `--port ${this.port} --bind 127.0.0.1 --appendonly yes --appendfsync everysec --requirepass ${this.password}`;
    this.process = spawn('redis-server', [...flags.split(' '), '--dir', this.folder], { stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries++) {
      const socket = connect(this.port, '127.0.0.1');
      const answers = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (answers) return;
      await delay(25);
    }
    throw new Error('redis-server did not start');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (!process || process.exitCode !== null) return;
    process.kill(signal);
    await once(process, 'close');
  }
}
