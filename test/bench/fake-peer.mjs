// A peer's process that computes plain attention, or misbehaves as its name says. It speaks the protocol of
// bench/peers/protocol.ts and uses no GPU.
const name = process.argv[2];
const tasks = [];

function attend({ workload, inputs, mask }) {
  const { heads, headDim, tags } = workload;
  const { query, key, value } = inputs;
  const at = (token, head, d) => (token * heads + head) * headDim + d;
  const output = new Float32Array(query.length);
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < tags.length; i++) {
      const weights = tags.map((tag, j) => {
        let score = 0;
        for (let d = 0; d < headDim; d++) score += query[at(i, h, d)] * key[at(j, h, d)];
        return mask && tag !== tags[i] ? 0 : Math.exp(score / Math.sqrt(headDim));
      });
      const sum = weights.reduce((a, b) => a + b, 0);
      weights.forEach((weight, j) => {
        for (let d = 0; d < headDim; d++) output[at(i, h, d)] += (weight / sum) * value[at(j, h, d)];
      });
    }
  }
  return output;
}

function answer(request) {
  switch (request.kind) {
    case 'open':
      if (name === 'refuses') throw new Error('no device\nfor anyone');
      return {};
    case 'prepare':
      return { handle: tasks.push(request.task) - 1, planMs: 0.5 };
    case 'check': {
      if (name === 'crashes') {
        process.stderr.write('something went wrong in native code\n');
        process.abort();
      }
      const task = tasks[request.handle];
      const output = attend(task);
      if (name === 'wrong') output[0] += 0.25;
      if (name === 'not-a-number') output.fill(Number.NaN);
      if (name === 'parsimony-webgpu' && process.env.FAKE_GATE === 'red') {
        const results = { passed: false, maxError: 1, shareOfBound: 9, complaints: ['output is off'] };
        return { coldMs: 2, results, adapter: 'fake' };
      }
      return { coldMs: 2, results: { output }, adapter: 'fake' };
    }
    case 'time': {
      if (name === 'fails-later' && tasks[request.handle].mask) throw new Error('out of memory');
      return { milliseconds: name === 'slow' ? 6 : 2 };
    }
    case 'release':
      tasks.length = 0;
      return {};
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', (request) => {
  if (name === 'hangs' && request.kind === 'check') return;
  try {
    process.send({ ok: true, value: answer(request) });
  } catch (error) {
    process.send({ ok: false, error: error.message.replace('\n', ' ') });
  }
});
