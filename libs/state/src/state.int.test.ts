import { BUCKETS } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { eventually, natsUrl, tempDir, unusedName } from '@switchyard/testing';
import path from 'node:path';
import { StateUnavailable, type CasResult, type KvChange, type KvStore, type State } from './kv.js';
import { NatsState } from './nats-state.js';
import { SqliteState } from './sqlite-state.js';

const adapters: readonly { name: string; open: () => Promise<{ state: State; close: () => Promise<void> }> }[] = [
  {
    name: 'SqliteState',
    open: async () => {
      const dir = await tempDir();
      const state = SqliteState.open(path.join(dir.path, 'state.db'));
      return { state, close: () => state.close().then(() => dir[Symbol.asyncDispose]()) };
    },
  },
  {
    name: 'NatsState',
    open: async () => {
      const link = await connectNats({ servers: [natsUrl()], name: 'state-test' });
      const state = await NatsState.open(link);
      return { state, close: () => state.close().then(() => link.close()) };
    },
  },
];

const bytes = (text: string) => Buffer.from(text);
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value).toString());

/** A change as one line, to compare. */
const line = (change: KvChange) =>
  change.kind === 'put' ? `${change.entry.key}=${text(change.entry.value)}` : `${change.key} gone`;

function revisionOf(result: CasResult): number {
  if (!result.ok) throw new Error('the write was refused');
  return result.revision;
}

const winners = (results: readonly CasResult[]) => results.filter(({ ok }) => ok).length;

const oddKeys = [
  '',
  '.',
  'a.b',
  '*',
  'a.*',
  '>',
  'a >',
  ' ',
  'tab\tline\n',
  'ünï/çødé ✓ 日本',
  '%2e',
  '$KV',
  'k',
  '_',
  '-',
  '..',
  'x'.repeat(1024),
];

describe.each(adapters)('$name', ({ open }) => {
  let state: State;
  let close: () => Promise<void>;
  let kv: KvStore;

  beforeAll(async () => ({ state, close } = await open()));
  afterAll(() => close());
  beforeEach(async () => (kv = await state.bucket(BUCKETS.sessions, unusedName('tenant'))));

  it('KV-1 a key that was never written is not there', async () => {
    expect(await kv.get('nothing')).toBeUndefined();
    expect(await kv.keys()).toEqual([]);
  });

  it('KV-2 gives back what was put, with a growing revision', async () => {
    const first = await kv.put('key', bytes('one'));
    const second = await kv.put('key', bytes('two'));
    expect(second).toBeGreaterThan(first);
    const entry = await kv.get('key');
    expect([entry?.key, text(entry?.value), entry?.revision]).toEqual(['key', 'two', second]);
  });

  it('KV-3 values are bytes, and may be empty', async () => {
    await kv.put('bytes', Uint8Array.of(0, 255, 10, 128));
    await kv.put('empty', new Uint8Array());
    expect([...((await kv.get('bytes'))?.value ?? [])]).toEqual([0, 255, 10, 128]);
    expect((await kv.get('empty'))?.value.length).toBe(0);
  });

  it.each(oddKeys.map((key) => [JSON.stringify(key).slice(0, 30), key]))(
    'KV-4 the key %s is text like any other',
    async (_, key) => {
      const created = revisionOf(await kv.create(key, bytes('value')));
      expect(text((await kv.get(key))?.value)).toBe('value');
      expect(await kv.keys()).toEqual([key]);
      expect((await kv.delete(key, created)).ok).toBe(true);
      expect(await kv.keys()).toEqual([]);
    },
  );

  it('KV-5 odd keys do not meet each other', async () => {
    for (const [index, key] of oddKeys.entries()) await kv.put(key, bytes(String(index)));
    expect((await kv.keys()).toSorted()).toEqual(oddKeys.toSorted());
    for (const [index, key] of oddKeys.entries()) expect(text((await kv.get(key))?.value)).toBe(String(index));
  });

  it('KV-6 a key that is too long is refused', async () => {
    await expect(kv.put('x'.repeat(1025), bytes('v'))).rejects.toThrow(RangeError);
    await expect(kv.get('ü'.repeat(513))).rejects.toThrow(RangeError);
  });

  it('KV-7 keys of a prefix', async () => {
    for (const key of ['Session/1', 'Session/2', 'Sess', 'Grant/1']) await kv.put(key, bytes('v'));
    expect((await kv.keys('Session/')).toSorted()).toEqual(['Session/1', 'Session/2']);
    expect(await kv.keys('Other')).toEqual([]);
  });

  it('KV-8 create writes only what is not there', async () => {
    expect((await kv.create('key', bytes('one'))).ok).toBe(true);
    expect(await kv.create('key', bytes('two'))).toEqual({ ok: false });
    expect(text((await kv.get('key'))?.value)).toBe('one');
  });

  it('KV-9 update writes only at the revision', async () => {
    const first = await kv.put('key', bytes('one'));
    const second = revisionOf(await kv.update('key', bytes('two'), first));
    expect(second).toBeGreaterThan(first);
    expect(await kv.update('key', bytes('three'), first)).toEqual({ ok: false });
    expect(await kv.update('absent', bytes('v'), first)).toEqual({ ok: false });
    expect(text((await kv.get('key'))?.value)).toBe('two');
  });

  it('KV-10 delete, with and without a revision', async () => {
    expect((await kv.delete('absent')).ok).toBe(true);
    expect(await kv.delete('absent', 1)).toEqual({ ok: false });
    const first = await kv.put('key', bytes('one'));
    const second = await kv.put('key', bytes('two'));
    expect(await kv.delete('key', first)).toEqual({ ok: false });
    expect(await kv.delete('key', second)).toEqual({ ok: true, revision: second });
    expect(await kv.get('key')).toBeUndefined();
    expect(await kv.update('key', bytes('three'), second)).toEqual({ ok: false });
    const again = revisionOf(await kv.create('key', bytes('again')));
    expect(again).toBeGreaterThan(second);
    expect((await kv.delete('key')).ok).toBe(true);
    expect(await kv.keys()).toEqual([]);
  });

  it('KV-11 of 64 parallel updates at one revision one wins, in 5 rounds', async () => {
    let revision = await kv.put('key', bytes('start'));
    for (let round = 0; round < 5; round += 1) {
      const results = await Promise.all(
        Array.from({ length: 64 }, (_, index) => kv.update('key', bytes(`${round}/${index}`), revision)),
      );
      expect(winners(results)).toBe(1);
      const winner = results.findIndex(({ ok }) => ok);
      const entry = await kv.get('key');
      expect([text(entry?.value), entry?.revision]).toEqual([`${round}/${winner}`, revisionOf(results[winner] ?? { ok: false })]);
      revision = entry?.revision ?? 0;
    }
  });

  it('KV-12 of 64 parallel creates one wins, also after a delete', async () => {
    for (let round = 0; round < 3; round += 1) {
      const results = await Promise.all(Array.from({ length: 64 }, (_, index) => kv.create('key', bytes(String(index)))));
      expect(winners(results)).toBe(1);
      expect(text((await kv.get('key'))?.value)).toBe(String(results.findIndex(({ ok }) => ok)));
      await kv.delete('key');
    }
  });

  it('KV-13 of 64 parallel deletes at one revision one wins', async () => {
    const revision = await kv.put('key', bytes('once'));
    const results = await Promise.all(Array.from({ length: 64 }, () => kv.delete('key', revision)));
    expect(winners(results)).toBe(1);
  });

  it('KV-14 64 writers that each add one, with compare-and-set, add 64', async () => {
    await kv.put('count', bytes('0'));
    const addOne = async (): Promise<void> => {
      const entry = await kv.get('count');
      const next = bytes(String(Number(text(entry?.value)) + 1));
      if (!(await kv.update('count', next, entry?.revision ?? 0)).ok) await addOne();
    };
    await Promise.all(Array.from({ length: 64 }, addOne));
    expect(text((await kv.get('count'))?.value)).toBe('64');
  });

  it('KV-15 an entry with a time to live ends by itself: get, keys, create and watch agree', async () => {
    const changes: string[] = [];
    const watch = await kv.watch((change) => changes.push(line(change)));
    await watch.ready;
    await kv.put('put', bytes('1'), { ttlMs: 900 });
    await kv.create('created', bytes('2'), { ttlMs: 1_000 });
    const revision = await kv.put('updated', bytes('3'));
    await kv.update('updated', bytes('4'), revision, { ttlMs: 1 });
    await kv.put('stays', bytes('5'), { ttlMs: 60_000 });
    await kv.put('kept', bytes('6'), { ttlMs: 1_000 });
    await kv.put('kept', bytes('7'));
    expect((await kv.keys()).toSorted()).toEqual(['created', 'kept', 'put', 'stays', 'updated']);

    await eventually(() =>
      expect(changes.filter((change) => change.endsWith('gone')).toSorted()).toEqual([
        'created gone',
        'put gone',
        'updated gone',
      ]),
    );
    expect((await kv.keys()).toSorted()).toEqual(['kept', 'stays']);
    expect(await kv.get('put')).toBeUndefined();
    expect((await kv.create('put', bytes('again'))).ok).toBe(true);
    expect(await kv.update('updated', bytes('late'), revision + 1)).toEqual({ ok: false });
    expect(text((await kv.get('kept'))?.value)).toBe('7');
    await watch.close();
  });

  it('KV-16 a time to live has to be positive', async () => {
    await expect(kv.put('key', bytes('v'), { ttlMs: 0 })).rejects.toThrow(RangeError);
    await expect(kv.put('key', bytes('v'), { ttlMs: Number.NaN })).rejects.toThrow(RangeError);
  });

  it('KV-17 a watch hands over what stands, is ready, and follows in order per key', async () => {
    await kv.put('a', bytes('1'));
    await kv.put('b', bytes('1'));
    await kv.put('gone', bytes('1'));
    await kv.delete('gone');
    const changes: string[] = [];
    const watch = await kv.watch((change) => changes.push(line(change)));
    await watch.ready;
    expect(changes.toSorted()).toEqual(['a=1', 'b=1']);

    changes.length = 0;
    await kv.put('a', bytes('2'));
    await kv.delete('b');
    await kv.put('c', bytes('1'));
    await kv.put('b', bytes('3'));
    await eventually(() => expect(changes).toEqual(['a=2', 'b gone', 'c=1', 'b=3']));
    await watch.close();
  });

  it('KV-18 a watch of an empty part is ready at once, and hands over no deletion of what it never knew', async () => {
    const changes: string[] = [];
    const watch = await kv.watch((change) => changes.push(line(change)));
    await watch.ready;
    await kv.delete('never');
    await kv.put('a', bytes('1'));
    await eventually(() => expect(changes).toEqual(['a=1']));
    await watch.close();
  });

  it('KV-19 a watch ends with the last of 200 fast changes of one key, never going back', async () => {
    const revisions: number[] = [];
    const watch = await kv.watch((change) => void (change.kind === 'put' && revisions.push(change.entry.revision)));
    await watch.ready;
    let last = 0;
    for (let index = 0; index < 200; index += 1) last = await kv.put('key', bytes(String(index)));
    await eventually(() => expect(revisions.at(-1)).toBe(last));
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    await watch.close();
  });

  it('KV-24 a watch that confirms has handed over everything that was written before, other parts of the bucket aside', async () => {
    const changes: string[] = [];
    const watch = await kv.watch((change) => changes.push(line(change)));
    await watch.confirm();
    for (let round = 1; round <= 20; round += 1) {
      await kv.put('a', bytes(String(round)));
      if (round % 5 === 0) await kv.delete('a');
      await watch.confirm();
      expect(changes.at(-1)).toBe(round % 5 === 0 ? 'a gone' : `a=${round}`);
    }
    await watch.close();
    await expect(watch.confirm()).rejects.toThrow(StateUnavailable);
  });

  it('KV-20 a closed watch is silent; closing twice is fine; a listener may write', async () => {
    const changes: string[] = [];
    const watch = await kv.watch((change) => {
      changes.push(line(change));
      if (line(change) === 'ask=1') void kv.put('answer', bytes('2'));
    });
    await kv.put('ask', bytes('1'));
    await eventually(() => expect(changes).toEqual(['ask=1', 'answer=2']));
    await watch.close();
    await watch.close();
    await kv.put('ask', bytes('3'));
    const probe = await kv.watch(() => undefined);
    await probe.ready;
    await probe.close();
    expect(changes).toEqual(['ask=1', 'answer=2']);
  });

  it('KV-21 tenants and buckets do not see each other', async () => {
    const name = unusedName('tenant');
    const [one, two, other] = await Promise.all([
      state.bucket(BUCKETS.sessions, name),
      state.bucket(BUCKETS.sessions, `${name}.x`),
      state.bucket(BUCKETS.oidc, name),
    ]);
    const changes: string[] = [];
    const watch = await one.watch((change) => changes.push(line(change)));
    await watch.ready;
    await two.put('key', bytes('two'));
    await other.put('key', bytes('other'));
    await one.put('key', bytes('one'));
    await eventually(() => expect(changes).toEqual(['key=one']));
    expect(await Promise.all([one, two, other].map(async (part) => text((await part.get('key'))?.value)))).toEqual([
      'one',
      'two',
      'other',
    ]);
    await one.delete('key');
    expect([await one.keys(), await two.keys(), await other.keys()]).toEqual([[], ['key'], ['key']]);
    await watch.close();
  });

  it('KV-22 5,000 keys are listed and watched completely', async () => {
    const keys = Array.from({ length: 5_000 }, (_, index) => `key/${index}`);
    for (let at = 0; at < keys.length; at += 250)
      await Promise.all(keys.slice(at, at + 250).map((key) => kv.put(key, bytes(key))));
    expect((await kv.keys('key/')).toSorted()).toEqual(keys.toSorted());
    const seen = new Map<string, string>();
    const watch = await kv.watch(
      (change) => void (change.kind === 'put' && seen.set(change.entry.key, text(change.entry.value) ?? '')),
    );
    await watch.ready;
    expect(seen.size).toBe(5_000);
    expect([...seen].every(([key, value]) => key === value)).toBe(true);
    await watch.close();
  });

  it('KV-23 is ready', async () => {
    expect(await state.ready()).toBe(true);
  });
});
