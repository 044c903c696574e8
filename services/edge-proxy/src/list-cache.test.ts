import { FakeClock } from '@switchyard/testing';
import { fetchedList, type ListedItem } from './fetched-list.js';
import { type Fetched, ListCache, type KeptList, type ListPlace } from './list-cache.js';
import { Refusal } from './refusal.js';

const TTL_MS = 30_000;
const RECENT_MS = 5_000;
const HOUR_MS = 3_600_000;
const PLACE: ListPlace = { upstream: 'up', list: 'tools', context: 'ana' };

const itemOf = (name: string): ListedItem => ({
  name,
  text: Buffer.from(JSON.stringify({ name })),
  nameRange: { start: 8, end: 10 + name.length },
});

const fetched = (names: readonly string[], ttlMs?: number): Fetched => ({
  list: fetchedList('up', names.map(itemOf)),
  hints: { ttlMs, isPublic: false },
});

function start() {
  const clock = new FakeClock();
  const told: string[] = [];
  const onChange = (upstream: string, method: string) => void told.push(`${upstream} ${method}`);
  return { clock, told, cache: new ListCache({ clock, ttlMs: TTL_MS, timeoutMs: 50, onChange }) };
}

const put = (cache: ListCache, place: ListPlace, names: readonly string[], ttlMs?: number) =>
  cache.fetch(place, () => Promise.resolve(fetched(names, ttlMs)));

const namesOf = (kept: KeptList | Refusal | undefined) => (kept instanceof Refusal ? kept.reason : kept?.list.names);

describe('a list that has been fetched', () => {
  it.each([
    ['LC-1 is kept for the configured time where its upstream does not say', undefined, TTL_MS - 1, true],
    ['LC-2 and no longer', undefined, TTL_MS, false],
    ['LC-3 is kept as long as its upstream says', 60_000, 59_999, true],
    ['LC-4 and no longer', 60_000, 60_000, false],
    ['LC-5 is not kept at all where its upstream says so', 0, 0, false],
    ['LC-6 is not kept at all where what its upstream says is nonsense', -1, 0, false],
    ['LC-7 is kept for an hour at most', 24 * HOUR_MS, HOUR_MS, false],
  ])('%s', async (_id, ttlMs, laterMs, isThere) => {
    const { cache, clock } = start();
    await put(cache, PLACE, ['x'], ttlMs);
    clock.advance(laterMs);
    expect(namesOf(cache.get(PLACE, 'kept'))).toEqual(isThere ? ['x'] : undefined);
  });

  it('LC-8 is recent for five seconds, however long it may be kept; now means now', async () => {
    const { cache, clock } = start();
    await put(cache, PLACE, ['x'], 0);
    clock.advance(RECENT_MS);
    expect(namesOf(cache.get(PLACE, 'recent'))).toEqual(['x']);
    expect(cache.get(PLACE, 'now')).toBeUndefined();
    clock.advance(1);
    expect(cache.get(PLACE, 'recent')).toBeUndefined();
  });

  it.each<[string, ListPlace]>([
    ['LC-9 another caller', { ...PLACE, context: 'bea' }],
    ['LC-10 another list', { ...PLACE, list: 'prompts' }],
    ['LC-11 another upstream', { ...PLACE, upstream: 'down' }],
  ])('%s does not see it', async (_id, place) => {
    const { cache } = start();
    await put(cache, PLACE, ['x']);
    for (const age of ['kept', 'recent'] as const) expect(cache.get(place, age)).toBeUndefined();
  });

  it('LC-12 shares its memory with an equal list of another caller’s, and with no other', async () => {
    const { cache } = start();
    const [one, equal, other] = [
      await put(cache, PLACE, ['x']),
      await put(cache, { ...PLACE, context: 'bea' }, ['x']),
      await put(cache, { ...PLACE, context: 'cleo' }, ['x', 'y']),
    ] as KeptList[];
    expect(equal?.list).toBe(one?.list);
    expect(other?.list).not.toBe(one?.list);
  });

  it.each([
    ['LC-13 tools', 'notifications/tools/list_changed', ['tools']],
    ['LC-14 prompts', 'notifications/prompts/list_changed', ['prompts']],
    ['LC-15 resources and their templates', 'notifications/resources/list_changed', ['resources', 'resourceTemplates']],
    ['LC-16 nothing', 'notifications/message', []],
  ])('%s: is outdated, for every caller, by what its upstream says', async (_id, method, outdated) => {
    const { cache } = start();
    const places = (['tools', 'prompts', 'resources', 'resourceTemplates'] as const).flatMap((list) =>
      ['ana', 'bea'].map((context) => ({ upstream: 'up', list, context })),
    );
    for (const place of places) await put(cache, place, ['x']);
    cache.heard('another', method);
    expect(places.every((place) => cache.get(place, 'kept') !== undefined)).toBe(true);
    cache.heard('up', method);
    const gone = places.filter((place) => cache.get(place, 'kept') === undefined).map(({ list }) => list);
    expect(gone).toEqual(outdated.flatMap((list) => [list, list]));
  });

  it('LC-24 that has changed is told of once; what another edge has told is not told again', () => {
    const { cache, told } = start();
    cache.heard('up', 'notifications/tools/list_changed');
    cache.heard('up', 'notifications/message');
    cache.heardElsewhere('up', 'notifications/prompts/list_changed');
    expect(told).toEqual(['up notifications/tools/list_changed']);
  });

  it('LC-17 is outdated by a call that did not reach its upstream, and by no other failure', async () => {
    const { cache } = start();
    await put(cache, PLACE, ['x']);
    cache.failed('up', 'upstream_timeout');
    expect(cache.get(PLACE, 'kept')).toBeDefined();
    cache.failed('up', 'upstream_unavailable');
    expect(cache.get(PLACE, 'kept')).toBeUndefined();
  });

  it('LC-18 makes room for newer ones: memory is bounded', async () => {
    const { cache } = start();
    const MIB = 1024 * 1024;
    const big = (name: string) => ({ ...itemOf(name), text: Buffer.alloc(16 * MIB, name) });
    const contexts = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const context of contexts)
      await cache.fetch({ ...PLACE, context }, () =>
        Promise.resolve({ list: fetchedList('up', [big(context)]), hints: { ttlMs: undefined, isPublic: false } }),
      );
    const held = contexts.filter((context) => cache.get({ ...PLACE, context }, 'kept') !== undefined);
    expect(held).toEqual(['c', 'd', 'e', 'f']);
  });
});

describe('a list that is being fetched', () => {
  it('LC-19 is fetched once for all who need it at the same time', async () => {
    const { cache } = start();
    let fetches = 0;
    const { promise, resolve } = Promise.withResolvers<Fetched>();
    const fetch = () => {
      fetches += 1;
      return promise;
    };
    const waiting = [cache.fetch(PLACE, fetch), cache.fetch(PLACE, fetch)];
    resolve(fetched(['x']));
    expect((await Promise.all(waiting)).map(namesOf)).toEqual([['x'], ['x']]);
    expect(fetches).toBe(1);
  });

  it('LC-20 is fetched again for who comes after a change, and what was begun before it is not kept', async () => {
    const { cache } = start();
    const before = Promise.withResolvers<Fetched>();
    const early = cache.fetch(PLACE, () => before.promise);
    cache.heard('up', 'notifications/tools/list_changed');
    const late = put(cache, PLACE, ['new']);
    expect(namesOf(await late)).toEqual(['new']);
    before.resolve(fetched(['old']));
    expect(namesOf(await early)).toEqual(['old']);
    expect(namesOf(cache.get(PLACE, 'kept'))).toEqual(['new']);
  });

  it('LC-21 is given up when it takes too long, and a refusal is not kept: the next one asks again', async () => {
    const { cache } = start();
    const late = new Refusal('upstream_timeout', 'late');
    const refused = await cache.fetch(
      PLACE,
      (cancellation) => new Promise((resolve) => cancellation.onCancel(() => resolve(late))),
    );
    expect(namesOf(refused)).toBe('upstream_timeout');
    expect(namesOf(await put(cache, PLACE, ['x']))).toEqual(['x']);
  });

  it('LC-22 takes an older one with it when it cannot be had', async () => {
    const { cache } = start();
    await put(cache, PLACE, ['x']);
    await cache.fetch(PLACE, () => Promise.resolve(new Refusal('upstream_unavailable', 'away')));
    expect(cache.get(PLACE, 'kept')).toBeUndefined();
  });

  it('LC-23 leaves nothing behind when fetching fails in a way that nobody expected', async () => {
    const { cache } = start();
    await expect(cache.fetch(PLACE, () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
    expect(namesOf(await put(cache, PLACE, ['x']))).toEqual(['x']);
  });
});
