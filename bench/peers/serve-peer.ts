import { pathToFileURL } from 'node:url';
import { LOADER } from './install.js';
import {
  type OpenPeer,
  oneLine,
  type Peer,
  type PeerAnswers,
  type PeerReply,
  type PeerRequest,
  type PreparedAttention,
} from './peer.js';

/** The connection of a peer's process to the benchmark. */
interface PeerChannel {
  onRequest(listener: (request: PeerRequest) => void): void;
  reply(reply: PeerReply): void;
}

/** Imports a package from a peer's folder, through a module that install.ts wrote there. */
async function loadFrom<T>(folder: string | undefined, name: string): Promise<T> {
  if (folder === undefined) throw new Error(`${name} is not installed`);
  const { load } = await import(pathToFileURL(`${folder}/${LOADER}`).href);
  const module = await load(name);
  // The exports of a CommonJS module are in its default export.
  return module.default ?? module;
}

/** Answers the benchmark's requests with one peer. An error of the peer is also an answer. */
export function servePeer(openPeer: OpenPeer, channel: PeerChannel): void {
  let peer: Peer | undefined;
  let prepared: PreparedAttention[] = [];

  const answer = async (request: PeerRequest): Promise<PeerAnswers[keyof PeerAnswers]> => {
    switch (request.kind) {
      case 'open': {
        peer = await openPeer({
          adapter: request.adapter,
          card: request.card,
          load: (packageName) => loadFrom(request.folder, packageName),
        });
        return {};
      }
      case 'prepare': {
        const made = await peer!.prepare(request.task);
        const { planMs, pairCounts, bufferBytes, gpuMs } = made;
        const handle = prepared.push(made) - 1;
        return { handle, planMs, pairCounts, bufferBytes, hasClock: gpuMs !== undefined };
      }
      case 'check': {
        const began = performance.now();
        await prepared[request.handle].run();
        const coldMs = performance.now() - began;
        const results = await prepared[request.handle].check();
        return { coldMs, results, adapter: peer!.adapter() };
      }
      case 'time': {
        const made = prepared[request.handle];
        if (request.clock === 'gpu') return { milliseconds: await made.gpuMs!() };
        if (made.wallMs) return { milliseconds: await made.wallMs() };
        const began = performance.now();
        await made.run();
        return { milliseconds: performance.now() - began };
      }
      case 'release': {
        for (const made of prepared) made.release();
        prepared = [];
        await peer!.release?.();
        return {};
      }
    }
  };

  channel.onRequest((request) => {
    answer(request).then(
      (value) => channel.reply({ ok: true, value }),
      (error) => channel.reply({ ok: false, error: oneLine(String(error?.message ?? error)) }),
    );
  });
}
