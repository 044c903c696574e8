import { BUCKETS } from '@switchyard/contracts';
import { connectNats, type NatsLink } from '@switchyard/messaging';
import { eventually, natsUrl, unusedName } from '@switchyard/testing';
import type { KvEntry, KvStore } from './kv.js';
import { NatsState } from './nats-state.js';
import { SqliteState } from './sqlite-state.js';
import { WatchedMap } from './watched-map.js';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const decode = (entry: KvEntry) => JSON.parse(Buffer.from(entry.value).toString()) as unknown;

describe.each(['SqliteState', 'NatsState'])('WatchedMap on %s', (adapter) => {
  let link: NatsLink | undefined;
  let state: NatsState | SqliteState;
  let kv: KvStore;
  const errors: string[] = [];
  const options = { decode, onError: (key: string) => errors.push(key) };

  beforeEach(async () => {
    errors.length = 0;
    link = adapter === 'NatsState' ? await connectNats({ servers: [natsUrl()], name: 'map-test' }) : undefined;
    state = link ? await NatsState.open(link) : SqliteState.open(':memory:');
    kv = await state.bucket(BUCKETS.apiKeys, unusedName('tenant'));
  });
  afterEach(async () => {
    await state.close();
    await link?.close();
  });

  it('MAP-1 holds what stands when it opens, and follows', async () => {
    await kv.put('a', bytes(1));
    await kv.put('b', bytes(2));
    const map = await WatchedMap.open(kv, options);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, 2, undefined, 2]);
    const changes: unknown[] = [];
    const stop = map.onChange((key, value) => changes.push([key, value]));
    await kv.put('c', bytes(3));
    await kv.delete('a');
    await eventually(() => expect(changes).toEqual([['c', 3], ['a', undefined]])); // prettier-ignore
    expect((map.values() as number[]).toSorted()).toEqual([2, 3]);
    stop();
    await kv.put('d', bytes(4));
    await eventually(() => expect(map.get('d')).toBe(4));
    expect(changes).toHaveLength(2);
    await map.close();
    await map.close();
  });

  it('MAP-2 keeps the last good value when a new one cannot be decoded, and says so', async () => {
    await kv.put('a', bytes(1));
    await kv.put('bad', Buffer.from('{'));
    const map = await WatchedMap.open(kv, options);
    expect([errors, map.get('bad')]).toEqual([['bad'], undefined]);
    await kv.put('a', Buffer.from('not JSON'));
    await eventually(() => expect(errors).toEqual(['bad', 'a']));
    expect(map.get('a')).toBe(1);
    await kv.put('a', bytes(2));
    await eventually(() => expect(map.get('a')).toBe(2));
    await map.close();
  });
});
