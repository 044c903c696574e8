import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { eventually } from '@switchyard/testing';
import { encodeRevoked, revocableName, type Revoked } from './revocation-record.js';
import { revocableKey, revocableToken, Revocations } from './revocations.js';

const GRANTED_MS = 1_700_000_000_000;
const TOKEN = { tokenId: 't1', grantId: 'g1', subject: 'usr_1', clientId: 'https://app.example/client', grantedAtMs: GRANTED_MS };
const LONG_CLIENT = `https://app.example/${'x'.repeat(2_000)}`;

describe('Revocations', () => {
  let state: SqliteState;
  beforeEach(() => {
    state = SqliteState.open(':memory:');
  });
  afterEach(() => state.close());

  const revoke = async (revoked: Revoked) => {
    const bucket = await state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    await bucket.put(revocableName(revoked.kind, revoked.id), encodeRevoked(revoked), { ttlMs: 60_000 });
  };
  const open = () => Revocations.open(state, DEFAULT_TENANT, () => undefined);

  it.each<[id: string, revoked: Revoked, token: Partial<typeof TOKEN>, covered: boolean]>([
    ['RV-1 the token', { kind: 'token', id: 't1' }, {}, true],
    ['RV-2 another token of the grant', { kind: 'token', id: 't2' }, {}, false],
    ['RV-3 its grant', { kind: 'grant', id: 'g1' }, {}, true],
    ['RV-4 another grant', { kind: 'grant', id: 'g2' }, {}, false],
    ['RV-5 its client', { kind: 'client', id: TOKEN.clientId }, {}, true],
    ['RV-6 its client, whose id is long', { kind: 'client', id: LONG_CLIENT }, { clientId: LONG_CLIENT }, true],
    ['RV-7 its person, when it was granted', { kind: 'person', id: 'usr_1', grantedUntilMs: GRANTED_MS }, {}, true],
    ['RV-8 its person, before it was granted', { kind: 'person', id: 'usr_1', grantedUntilMs: GRANTED_MS - 1 }, {}, false],
    ['RV-9 another person', { kind: 'person', id: 'usr_2', grantedUntilMs: GRANTED_MS }, {}, false],
    ['RV-10 something else of the same id', { kind: 'api-key', id: 'g1' }, {}, false],
  ])('%s', async (_id, revoked, over, covered) => {
    const revocable = revocableToken({ ...TOKEN, ...over });
    await using undo = new AsyncDisposableStack();
    const early = undo.adopt(await open(), (it) => it.close());
    const told = Promise.withResolvers<void>();
    early.onRevoked(told.resolve);
    expect(early.covers(revocable)).toBe(false);
    await revoke(revoked);
    await early.confirm();
    await told.promise;
    const late = undo.adopt(await open(), (it) => it.close());
    expect([early.covers(revocable), late.covers(revocable)]).toEqual([covered, covered]);
  });

  it('RV-11 an API key', async () => {
    await revoke({ kind: 'api-key', id: 'k1' });
    const revocations = await open();
    expect([revocations.covers(revocableKey('k1')), revocations.covers(revocableKey('k2'))]).toEqual([true, false]);
    await revocations.close();
  });

  it('RV-12 what cannot be read is said, and revokes nothing', async () => {
    const unreadable: string[] = [];
    const bucket = await state.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    const revocations = await Revocations.open(state, DEFAULT_TENANT, (key) => unreadable.push(key));
    await bucket.put('grant/g1', Buffer.from('no JSON'));
    await eventually(() => expect(unreadable).toEqual(['grant/g1']));
    expect(revocations.covers(revocableToken(TOKEN))).toBe(false);
    await revocations.close();
  });
});
