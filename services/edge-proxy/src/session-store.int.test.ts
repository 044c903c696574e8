import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { type KvStore, SqliteState } from '@switchyard/state';
import { eventually, FakeClock, tempDir, type TempDir } from '@switchyard/testing';
import { UNBOUND } from './caller-scopes.js';
import { callerOf } from './caller.js';
import type { Caller } from './exchange.js';
import { Refusal } from './refusal.js';
import { type ClientSession, SESSION_IDLE_MS, type SessionRecord, SessionStore } from './session-store.js';

const RECHECKED_MS = 11_000;
const OPTIONS = { edge: 'edge-1', perPrincipal: 3, onUnheard: () => undefined };

const caller = (subject: string, clientId = 'client-1', issuer = 'https://id'): Caller =>
  callerOf({ tenant: 'default', issuer, subject, name: subject, kind: 'user', claims: [] }, clientId, UNBOUND);
const ana = caller('ana');
const record: SessionRecord = {
  server: 'work',
  issuer: 'https://id',
  subject: 'ana',
  clientId: 'client-1',
  revision: '2025-11-25',
  clientName: 'c',
  clientVersion: '1',
  capabilities: {},
  upstreams: {},
};

let dir: TempDir;
let state: SqliteState;
let kv: KvStore;
let clock: FakeClock;

beforeEach(async () => {
  dir = await tempDir();
  state = SqliteState.open(`${dir.path}/state.db`);
  kv = await state.bucket(BUCKETS.sessions, DEFAULT_TENANT);
  clock = new FakeClock(Date.now());
});

afterEach(async () => {
  await state.close();
  await dir[Symbol.asyncDispose]();
});

async function found(store: SessionStore, id: string): Promise<ClientSession> {
  const session = await store.find(id, 'work', ana);
  if (session instanceof Refusal) throw new Error(session.message);
  return session;
}

describe('sessions of legacy clients', () => {
  it.each([
    ['SE-1 who opened it', ana, 'work', true],
    ['SE-2 another subject', caller('bob'), 'work', false],
    ['SE-3 the same subject of another issuer', caller('ana', 'client-1', 'https://other'), 'work', false],
    ['SE-4 the same user with another client', caller('ana', 'client-2'), 'work', false],
    ['SE-5 another server', ana, 'play', false],
  ])('%s', async (_id, who, server, isFound) => {
    const store = new SessionStore(kv, clock, OPTIONS);
    const { id } = await store.open(record);
    for (const edge of [store, new SessionStore(kv, clock, OPTIONS)]) {
      const session = await edge.find(id, server, who);
      expect(session instanceof Refusal ? session.reason : true).toBe(isFound || 'session_unknown');
    }
  });

  it('SE-6 have ids that nobody guesses, each its own', async () => {
    const store = new SessionStore(kv, clock, OPTIONS);
    const ids = await Promise.all(Array.from({ length: 50 }, async () => (await store.open(record)).id));
    expect(new Set(ids).size).toBe(50);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('SE-7 are held once, also where calls come together at an edge that does not know them yet', async () => {
    const { id } = await new SessionStore(kv, clock, OPTIONS).open(record);
    const other = new SessionStore(kv, clock, OPTIONS);
    const sessions = await Promise.all(Array.from({ length: 10 }, () => found(other, id)));
    expect(new Set(sessions).size).toBe(1);
    expect(other.size).toBe(1);
  });

  it('SE-8 that end at one edge end at the others within seconds, and whoever waits is told', async () => {
    const [one, other] = [new SessionStore(kv, clock, OPTIONS), new SessionStore(kv, clock, OPTIONS)];
    const session = await one.open(record);
    const there = await found(other, session.id);
    await one.close(session);
    expect(session.ended.signal.aborted).toBe(true);
    clock.advance(RECHECKED_MS);
    expect(await other.find(session.id, 'work', ana)).toBeInstanceOf(Refusal);
    expect(there.ended.signal.aborted).toBe(true);
    expect(other.size).toBe(0);
  });

  it('SE-9 changed at two edges at once keep both changes', async () => {
    const [one, other] = [new SessionStore(kv, clock, OPTIONS), new SessionStore(kv, clock, OPTIONS)];
    const session = await one.open(record);
    const there = await found(other, session.id);
    await Promise.all([
      one.change(session, (before) => ({ ...before, logLevel: 'error' })),
      other.change(there, (before) => ({ ...before, clientName: 'renamed' })),
    ]);
    expect((await found(new SessionStore(kv, clock, OPTIONS), session.id)).record).toMatchObject({
      logLevel: 'error',
      clientName: 'renamed',
    });
  });

  it('SE-10 that have ended are not brought back by a change', async () => {
    const store = new SessionStore(kv, clock, OPTIONS);
    const session = await store.open(record);
    await kv.delete(session.id);
    await store.change(session, (before) => ({ ...before, logLevel: 'error' }));
    expect(await kv.get(session.id)).toBeUndefined();
    expect(session.ended.signal.aborted).toBe(true);
  });

  it('SE-11 in use without calls are kept alive; keeping one that has ended tells so', async () => {
    const store = new SessionStore(kv, clock, OPTIONS);
    const session = await store.open(record);
    const revision = session.revision;
    clock.advance(6 * 60_000);
    await store.keep(session);
    expect(session.revision).toBeGreaterThan(revision);
    await kv.delete(session.id);
    await store.keep(session);
    expect(session.ended.signal.aborted).toBe(true);
  });

  it('SE-12 that nobody uses leave memory', async () => {
    const store = new SessionStore(kv, clock, OPTIONS);
    await store.open(record);
    clock.advance(SESSION_IDLE_MS + 1);
    await store.open(record);
    await eventually(() => store.size === 1);
  });

  it.each([
    ['SE-13 too long', 'x'.repeat(5_000)],
    ['SE-14 empty', ''],
    ['SE-15 of another form', `${'x'.repeat(42)}*`],
  ])('%s: such an id is unknown, and the store is not asked', async (_id, id) => {
    const asked: string[] = [];
    const watched: KvStore = { ...kv, get: (key) => (asked.push(key), kv.get(key)) };
    expect(await new SessionStore(watched, clock, OPTIONS).find(id, 'work', ana)).toBeInstanceOf(Refusal);
    expect(asked).toEqual([]);
  });

  it('SE-16 are so many to a principal at most: the one used least recently ends, also where the client never says so', async () => {
    const store = new SessionStore(kv, clock, OPTIONS);
    const open = async (subject: string) => {
      clock.advance(1_000);
      return (await store.open({ ...record, subject })).id;
    };
    const others = await open('bob');
    const [first, second, third] = [await open('ana'), await open('ana'), await open('ana')];
    clock.advance(1_000);
    await found(store, first);
    const fourth = await open('ana');
    const stands = async (id: string, who: Caller) => !((await store.find(id, 'work', who)) instanceof Refusal);
    expect(await Promise.all([first, second, third, fourth].map((id) => stands(id, ana)))).toEqual([true, false, true, true]);
    expect([await stands(others, caller('bob')), store.size, await kv.get(second)]).toEqual([true, 4, undefined]);
  });
});
