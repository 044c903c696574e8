import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { LimitedReads } from '../api/limited-reads.js';
import { Erasures } from './erasures.js';
import { Gate } from './gate.js';
import type { Hold } from './hold.js';
import { openRetention, TENANT } from './retention.fixture.js';

jest.setTimeout(300_000);

const ISSUER = 'https://idp.example';
const ANA = { issuer: ISSUER, subject: 'u-1' };
const holdOf = (name: string, filter: Partial<Hold> = {}): Hold => ({
  ...{ name, reason: 'a suit', set_by: 'ada', set_at: '2025-01-01T00:00:00.000Z' },
  ...filter,
});

describe('erasing what was captured, while there are legal holds', () => {
  const open = tablesForEach(ENGINES[0]![1]);
  let rig: Awaited<ReturnType<typeof openRetention>>;
  let erasures: Erasures;
  const holds = async () => (await rig.gate.read()).holds;

  beforeEach(async () => {
    rig = await openRetention(open);
    const { engine, gate, clock } = rig;
    erasures = new Erasures({ gate, reads: new LimitedReads(engine), tenant: TENANT, clock });
    const ana = { principal_issuer: ISSUER, principal_subject: 'u-1', principal_name: 'ana@example.com' };
    await rig.record(1, { ...ana, server: 'work', occurred_at: '2025-01-01T00:00:00.000Z' });
    await rig.record(1, { ...ana, principal_subject: 'u-2', principal_name: 'bob', server: 'home' });
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('D11: is refused by the holds that cover the principal, and by no other', async () => {
    const rows: readonly (readonly [string, Partial<Hold>, boolean])[] = [
      ['subject', { principal: 'u-1' }, true],
      ['name', { principal: 'ana@example.com' }, true],
      ['named-elsewhere', { principal: 'u-1', server: 'home' }, true],
      ['another-person', { principal: 'u-2' }, false],
      ['a-name-of-another', { principal: 'bob' }, false],
      ['server', { server: 'work' }, true],
      ['another-server', { server: 'home' }, false],
      ['time', { from: '2024-12-31T00:00:00Z', to: '2025-01-02T00:00:00Z' }, true],
      ['another-time', { to: '2024-12-31T00:00:00Z' }, false],
      ['server-at-another-time', { server: 'work', to: '2024-12-31T00:00:00Z' }, false],
      ['everything', {}, true],
    ];
    for (const [name, filter, covers] of rows) {
      await rig.gate.setHold(holdOf(name, filter));
      const begun = await erasures.begin(ANA);
      expect([name, 'holds' in begun ? begun.holds.map((hold) => hold.name) : []]).toEqual([name, covers ? [name] : []]);
      if ('id' in begun) await erasures.end(begun.id);
      await rig.gate.releaseHold(name);
    }
    expect('id' in (await erasures.begin(ANA))).toBe(true);
  });

  it('D11: names every hold that covers the principal, so that all of them can be looked at', async () => {
    for (const [name, filter] of [
      ['one', { principal: 'u-1' }],
      ['other', { principal: 'u-2' }],
      ['third', {}],
    ] as const)
      await rig.gate.setHold(holdOf(name, filter));
    expect(await erasures.begin(ANA)).toEqual({ holds: (await holds()).filter(({ name }) => name !== 'other') });
  });

  it('D11: is refused by a hold that was set while it was asked which holds there are', async () => {
    await rig.gate.setHold(holdOf('of-bob', { principal: 'bob' }));
    const reads = new LimitedReads({
      query: async (text, params) => {
        const found = await rig.engine.query(text, params);
        await rig.gate.setHold(holdOf('late', { principal: 'u-1' }));
        return found;
      },
    });
    const { gate, clock } = rig;
    const racing = new Erasures({ gate, reads, tenant: TENANT, clock });
    expect(await racing.begin(ANA)).toEqual({ holds: [holdOf('late', { principal: 'u-1' })] });
    expect((await gate.read()).erasing).toEqual([]);
  });

  it('D11: is told to who sets a hold while it runs, at whichever replica, and to nobody once it is over', async () => {
    const begun = await erasures.begin(ANA);
    const other = new Gate(rig.kv, rig.clock);
    const erasing = [{ id: 'id' in begun ? begun.id : '', ...ANA, startedAtMs: rig.clock.now() }];
    expect(await other.setHold(holdOf('during'))).toEqual({ during: undefined, erasing });
    if ('id' in begun) await erasures.end(begun.id);
    expect(await other.setHold(holdOf('after'))).toEqual({ during: undefined, erasing: [] });
  });

  it('D11: that nobody has ended is told of until the same principal’s is begun an hour later', async () => {
    await erasures.begin(ANA);
    await erasures.begin(ANA);
    await erasures.begin({ ...ANA, subject: 'u-2' });
    rig.clock.advance(3_600_001);
    await erasures.begin(ANA);
    const { erasing } = await rig.gate.read();
    expect(erasing.map(({ subject }) => subject)).toEqual(['u-2', 'u-1']);
  });
});
