import type { BucketName } from '@switchyard/contracts';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { type KvStore, SqliteState } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { eventually, tempDir } from '@switchyard/testing';
import { PassThrough } from 'node:stream';
import { ListChanges } from './list-changes.js';

const METHOD = 'notifications/tools/list_changed';
const BUCKET: BucketName = BUCKETS.listChanges;

async function start() {
  const dir = await tempDir();
  const state = SqliteState.open(`${dir.path}/state.db`);
  const output = new PassThrough();
  const logged: string[] = [];
  output.on('data', (chunk: Buffer) => logged.push(chunk.toString('utf8')));
  const log = createLogger({ service: 'edge-proxy', level: 'warn', destination: output });
  const kv = await state.bucket(BUCKET, DEFAULT_TENANT);
  const opened: ListChanges[] = [];
  return {
    kv,
    logged,
    /** An edge, and what it has been told of. */
    edge: async (name: string, own: KvStore = kv) => {
      const heard: string[] = [];
      const onChange = (upstream: string, method: string) => void heard.push(`${upstream}: ${method}`);
      const changes = await ListChanges.open({ kv: own, edge: name, log, onChange });
      opened.push(changes);
      return { heard, changes };
    },
    [Symbol.asyncDispose]: async () => {
      for (const changes of opened) await changes.close();
      await state.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

describe('changes of lists', () => {
  it('CH-1 are told to every other edge, not to the one that tells', async () => {
    await using cluster = await start();
    const [one, two, three] = [await cluster.edge('one'), await cluster.edge('two'), await cluster.edge('three')];
    one.changes.tell('an upstream', METHOD);
    await eventually(() => two.heard.length === 1 && three.heard.length === 1);
    expect([one.heard, two.heard, three.heard]).toEqual([[], [`an upstream: ${METHOD}`], [`an upstream: ${METHOD}`]]);
  });

  it('CH-2 that come faster than they can be told are told together, the last of them too', async () => {
    await using cluster = await start();
    let puts = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow: KvStore = Object.assign(Object.create(cluster.kv) as KvStore, {
      watch: (onChange: Parameters<KvStore['watch']>[0]) => cluster.kv.watch(onChange),
      put: async (...told: Parameters<KvStore['put']>) => {
        puts += 1;
        await promise;
        return cluster.kv.put(...told);
      },
    });
    const [one, two] = [await cluster.edge('one', slow), await cluster.edge('two')];
    for (let change = 0; change < 100; change += 1) one.changes.tell('up', METHOD);
    resolve();
    await eventually(() => two.heard.length === 2);
    expect(puts).toBe(2);
  });

  it('CH-3 that cannot be told are logged; the next one is told again', async () => {
    await using cluster = await start();
    let isAway = true;
    const broken: KvStore = Object.assign(Object.create(cluster.kv) as KvStore, {
      watch: (onChange: Parameters<KvStore['watch']>[0]) => cluster.kv.watch(onChange),
      put: (...told: Parameters<KvStore['put']>) => (isAway ? Promise.reject(new Error('away')) : cluster.kv.put(...told)),
    });
    const [one, two] = [await cluster.edge('one', broken), await cluster.edge('two')];
    one.changes.tell('up', METHOD);
    await eventually(() => cluster.logged.some((line) => line.includes('other edges were not told')));
    isAway = false;
    one.changes.tell('up', METHOD);
    await eventually(() => two.heard.length === 1);
  });
});
