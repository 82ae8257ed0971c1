import type { OpenPeer, PeerRequest } from './peer.js';
import { peersNamed } from './peer-list.js';
import { servePeer } from './serve-peer.js';

/** The process of one peer, whose name is its argument. Only that peer's module is loaded. */
async function peerNamed(name: string): Promise<OpenPeer> {
  switch (name) {
    case 'jax-js-webgpu':
      return (await import('./jax-js.js')).openJaxJs;
    case 'tfjs-webgpu':
      return (await import('./tfjs.js')).openTfjs;
    case 'ort-mha-webgpu':
      return (await import('./onnxruntime.js')).openOnnxRuntime('multi-head', 'webgpu');
    case 'ort-plain-webgpu':
      return (await import('./onnxruntime.js')).openOnnxRuntime('plain', 'webgpu');
    case 'ort-mha-cpu':
      return (await import('./onnxruntime.js')).openOnnxRuntime('multi-head', 'cpu');
    default: {
      const { torch, precision } = peersNamed([name]).find((spec) => spec.name === name)!;
      if (torch) return (await import('./torch.js')).openTorch(torch, precision);
      return (await import('./parsimony.js')).openParsimony(precision);
    }
  }
}

// Ctrl-C reaches every process of a terminal: the benchmark decides when this one ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));

servePeer(async (context) => (await peerNamed(process.argv[2]))(context), {
  onRequest: (listener) => process.on('message', (request) => listener(request as PeerRequest)),
  reply: (reply) => process.send!(reply),
});
