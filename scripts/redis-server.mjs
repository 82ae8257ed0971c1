// A Redis server for the tests of queues, and for `npm run test:cluster`.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What queues lack here; undefined where they can run. */
export function missingForQueues() {
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
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A Redis server with its own port and folder, that writes each command to an append-only file. */
export class RedisServer {
  constructor(folder, port, password) {
    Object.assign(this, { folder, port, password });
  }

  static async start(folder, password) {
    const server = new RedisServer(folder, await freePort(), password);
    await server.start();
    return server;
  }

  get url() {
    return `redis://:${this.password}@127.0.0.1:${this.port}`;
  }

  async start() {
    const flags = `--port ${this.port} --bind 127.0.0.1 --appendonly yes --appendfsync everysec --requirepass ${this.password}`;
    this.process = spawn('redis-server', [...flags.split(' '), '--dir', this.folder], { stdio: 'ignore' });
    for (let tries = 0; tries < 400; tries++) {
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

  async stop(signal = 'SIGTERM') {
    const { process } = this;
    this.process = undefined;
    if (!process || process.exitCode !== null) return;
    process.kill(signal);
    await once(process, 'close');
  }
}
