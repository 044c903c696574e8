import type { EventView } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import type { EventFilters } from '../admin-api.js';
import { OUTSIDER } from '../targets/gateway-file.js';
import type { GetContext } from './context.js';

/** The audit trail of everything that the parts before it did; it goes last. */
export function auditSuite(context: GetContext): void {
  describe('the audit trail', () => {
    let events: readonly EventView[] = [];
    /** Of a time span that is over, so that every query sees the same. */
    let span: { readonly from: string; readonly to: string };

    beforeAll(async () => {
      const { admin, ledger } = context();
      const isStored = (found: readonly EventView[], id: string) =>
        found.some((event) => event.request_id === id && event.type !== 'proxy.hop');
      await eventually(
        async () => {
          const found = await admin.events({});
          expect(ledger.calls.filter(({ requestId }) => !isStored(found, requestId))).toEqual([]);
        },
        { timeoutMs: 30_000, everyMs: 250 },
      );
      const stored = await admin.events({});
      const newest = stored[0]?.occurred_at ?? '';
      span = { from: stored.at(-1)?.occurred_at ?? '', to: new Date(Date.parse(newest) + 1).toISOString() };
      events = await admin.events(span);
    }, 300_000);

    it('E-1 has exactly one row for every call that a client made, saying who, what and how it ended', () => {
      const { calls } = context().ledger;
      expect(calls.length).toBeGreaterThan(0);
      for (const { requestId, event } of calls) {
        const rows = events.filter((row) => row.request_id === requestId && row.type === event.type);
        expect(rows).toEqual([expect.objectContaining({ ...event, request_id: requestId })]);
      }
    });

    it('E-2 has no call that no client made', () => {
      const made = new Set(context().ledger.calls.map(({ requestId }) => requestId));
      const strangers = events.filter(
        ({ type, request_id: id = '' }) => ['tool.called', 'policy.denied'].includes(type) && !made.has(id),
      );
      expect(strangers).toEqual([]);
    });

    it('E-3 has the hop of every answered call, and none for those that were refused', () => {
      const { calls } = context().ledger;
      for (const { requestId, event } of calls) {
        const hops = events.filter(
          ({ type, request_id: id, method }) => type === 'proxy.hop' && id === requestId && method === 'tools/call',
        );
        expect(hops.map(({ upstream }) => upstream)).toEqual(event.type === 'tool.called' ? [event.upstream] : []);
      }
    });

    it('E-4 has what led to the calls: registration, sign-in, tokens, sessions, lists, keys, configuration', () => {
      expect([...new Set(events.map(({ type }) => type))]).toEqual(
        expect.arrayContaining([
          'auth.client_registered',
          'auth.signed_in',
          'auth.token_issued',
          'auth.rejected',
          'auth.key_created',
          'session.opened',
          'capability.listed',
          'connection.leased',
          'config.applied',
          'policy.denied',
          'tool.called',
        ]),
      );
      expect(
        events.filter(({ type, detail }) => type === 'auth.token_issued' && detail?.['grant_type'] === 'refresh_token'),
      ).not.toEqual([]);
    });

    it.each<readonly [string, () => EventFilters, (event: EventView) => boolean]>([
      ['type', () => ({ type: 'tool.called' }), ({ type }) => type === 'tool.called'],
      ['outcome', () => ({ outcome: 'denied' }), ({ outcome }) => outcome === 'denied'],
      ['server', () => ({ server: 'team' }), ({ server }) => server === 'team'],
      ['upstream', () => ({ upstream: 'ledger' }), ({ upstream }) => upstream === 'ledger'],
      ['capability', () => ({ capability: 'echo' }), ({ capability }) => capability === 'echo'],
      ['principal', () => ({ principal: OUTSIDER }), ({ principal_name: name }) => name === OUTSIDER],
      ['client', () => ({ client: 'e2e-v2' }), ({ client_name: name }) => name === 'e2e-v2'],
      ['reason', () => ({ reason: 'policy_denied' }), ({ reason }) => reason === 'policy_denied'],
      ['two at once', () => ({ server: 'team', outcome: 'ok' }), ({ server, outcome }) => server === 'team' && outcome === 'ok'],
      ['nothing', () => ({ principal: 'nobody@example.com' }), () => false],
    ])('E-5 %s: filters', async (id, filters, matches) => {
      const expected = events.filter(matches).map(({ event_id: eventId }) => eventId);
      expect(expected.length > 0).toBe(id !== 'nothing');
      const found = await context().admin.events({ ...span, ...filters() });
      expect(found.map(({ event_id: eventId }) => eventId)).toEqual(expected);
    });

    it('E-6 is filtered by request id and by time', async () => {
      const { admin } = context();
      const middle = events[Math.floor(events.length / 2)]?.occurred_at ?? '';
      const older = await admin.events({ from: span.from, to: middle });
      const newer = await admin.events({ from: middle, to: span.to });
      expect(older.length).toBeGreaterThan(0);
      expect([...newer, ...older].map(({ event_id: id }) => id)).toEqual(events.map(({ event_id: id }) => id));
      const { requestId = '' } = context().ledger.calls[0] ?? {};
      const found = await admin.events({ request_id: requestId });
      expect(found.map(({ request_id: id }) => id)).toEqual(found.map(() => requestId));
      expect(found.length).toBeGreaterThan(1);
    });

    it('E-7 comes in pages, newest first, each event once', async () => {
      const paged = await context().admin.events(span, 7);
      expect(paged.map(({ event_id: id }) => id)).toEqual(events.map(({ event_id: id }) => id));
      const times = paged.map(({ occurred_at: at }) => at);
      expect(times).toEqual(times.toSorted().reverse());
    });
  });
}
