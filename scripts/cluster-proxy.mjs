// A proxy in front of a Redis server whose connections can be cut.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export class CuttableProxy {
  #sockets = new Set();
  #isCut = false;
  #server;

  /** @param target The port of the server. */
  constructor(target) {
    this.#server = createServer((socket) => {
      if (this.#isCut) {
        socket.destroy();
        return;
      }
      const other = connect(target, '127.0.0.1');
      for (const [one, two] of [
        [socket, other],
        [other, socket],
      ]) {
        this.#sockets.add(one);
        one.pipe(two);
        one.on('error', () => two.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          two.destroy();
        });
      }
    });
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  /** Ends all connections and refuses new ones for some time; with `hangs`, connections stay, and nothing passes. */
  async cut(seconds, hangs) {
    this.#isCut = true;
    for (const socket of this.#sockets) if (hangs) socket.pause();
    if (!hangs) for (const socket of this.#sockets) socket.destroy();
    await delay(1000 * seconds);
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
