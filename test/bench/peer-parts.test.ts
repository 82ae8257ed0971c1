import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { installedFolder, installPackages } from '../../bench/peers/install.js';
import type { PeerReply, PeerRequest } from '../../bench/peers/peer.js';
import { PARSIMONY, peersNamed } from '../../bench/peers/peer-list.js';
import { servePeer } from '../../bench/peers/serve-peer.js';
import { runsForTurn, takeTurns } from '../../bench/timing.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('turns', () => {
  const taker = (time: () => number) => async () => time();

  it('are taken by all that have not failed', async () => {
    const order: string[] = [];
    const good = taker(() => order.push('good'));
    const bad = taker(() => {
      order.push('bad');
      throw new Error('no more');
    });
    const onFailure = vi.fn();
    const times = await takeTurns([good, bad], { repeats: 3, seed: 1, onFailure });
    expect(times.map(({ length }) => length)).toEqual([3, 0]);
    expect(order.filter((name) => name === 'bad')).toHaveLength(1);
    expect(onFailure).toHaveBeenCalledExactlyOnceWith(1, new Error('no more'));
  });

  it('continue while more are needed, which is asked less and less often', async () => {
    const asked: number[] = [];
    const needsMore = ([{ length }]: readonly number[][]) => {
      asked.push(length);
      return length < 12;
    };
    const times = await takeTurns([taker(() => 1)], { repeats: 8, needsMore, seed: 1 });
    expect(times[0]).toHaveLength(13);
    expect(asked).toEqual([8, 10, 13]);
  });

  it('have the number of runs that suits the time of a run after warm-up', async () => {
    // A real clock would make this test depend on the load of the machine.
    let clock = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const run = async (runs: number) => {
      clock += clock === 0 ? 60 : 2 * runs;
    };
    await run(1);
    const runs = await runsForTurn({ name: 'fast', run });
    now.mockRestore();
    expect(runs).toBe(50);
  });

  it('count only when complete', async () => {
    const controller = new AbortController();
    let runs = 0;
    const abortLate = taker(() => {
      if (++runs === 2) controller.abort();
      return 1;
    });
    const times = await takeTurns([abortLate, taker(() => 1)], {
      repeats: 9,
      seed: 1,
      signal: controller.signal,
    });
    expect(times[0].length).toBe(times[1].length);
    expect(times[0].length).toBeLessThan(3);
  });
});

describe('the process of a peer', () => {
  it('answers with what the peer threw, in one line', async () => {
    let ask: (request: PeerRequest) => void = () => {};
    const replies: PeerReply[] = [];
    const open = async () => {
      throw new Error('no device\n  here');
    };
    servePeer(open, { onRequest: (listener) => (ask = listener), reply: (reply) => replies.push(reply) });
    ask({ kind: 'open', adapter: 'auto', card: '', folder: undefined });
    await vi.waitFor(() => expect(replies).toEqual([{ ok: false, error: 'no device here' }]));
  });
});

describe('the packages of peers', () => {
  const cache = temporaryFolder();
  afterEach(() => vi.unstubAllEnvs());

  it('are installed completely or not at all', async () => {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9');
    vi.stubEnv('npm_config_fetch_retries', '0');
    const packages = { 'a-package': '1.0.0' };
    const notes: string[] = [];
    await expect(installPackages(packages, (line) => notes.push(line))).rejects.toThrow(
      /^npm install failed \(.+\)$/,
    );
    expect(notes).toEqual([expect.stringContaining('installing a-package 1.0.0')]);
    expect(existsSync(installedFolder(packages))).toBe(false);
    expect(readdirSync(join(cache, 'parsimony'))).toEqual([]);
  });

  it('are those of the peers that are named', () => {
    expect(peersNamed(['tfjs-webgpu']).map(({ name }) => name)).toEqual([PARSIMONY, 'tfjs-webgpu']);
    expect(() => peersNamed(['torch'])).toThrow(/no peer is called "torch".*ort-mha-webgpu/);
  });
});
