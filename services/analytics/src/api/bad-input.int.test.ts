import { openAnalytics, type AnalyticsRig } from '../analytics.fixture.js';

/** Every route that is asked with a query, and a part of one that each needs. */
const ROUTES: Readonly<Record<string, { readonly path: string; readonly with?: string; readonly takes: readonly string[] }>> = {
  events: { path: '/api/v1/events', takes: ['times', 'limit', 'filter', 'q', 'cursor'] },
  export: { path: '/api/v1/events/export', takes: ['times', 'filter', 'q'] },
  tail: { path: '/api/v1/events/tail', takes: ['filter', 'q'] },
  usage: { path: '/api/v1/usage', takes: ['times', 'filter', 'q', 'group'] },
  top: { path: '/api/v1/usage/top', with: 'by=principal', takes: ['times', 'limit', 'filter', 'q'] },
  gaps: { path: '/api/v1/audit/gaps', takes: ['times', 'limit'] },
  trail: { path: '/api/v1/audit/export', takes: ['times'] },
};

/** What is wrong, the field that is named for it, and the position where there is one. By what a route has to take for it. */
const WRONG: readonly (readonly [id: string, takes: string, query: string, field: string, position?: number])[] = [
  ['unknown field', '', 'user=ana', 'user'],
  ['name of a property of all objects', '', '__proto__=1', '__proto__'],
  ['time that is none', 'times', 'from=yesterday', 'from'],
  ['month 13', 'times', 'from=2026-13-01T00:00:00Z', 'from'],
  ['time without a zone', 'times', 'to=2026-01-01T00:00:00', 'to'],
  ['year 275761', 'times', 'to=%2B275761-01-01T00:00:00Z', 'to'],
  ['number for a time', 'times', 'from=1e300', 'from'],
  ['times that end before they begin', 'times', 'from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
  ['limit of no number', 'limit', 'limit=many', 'limit'],
  ['limit of nothing', 'limit', 'limit=0', 'limit'],
  ['limit below nothing', 'limit', 'limit=-1', 'limit'],
  ['limit without a limit', 'limit', 'limit=1e9', 'limit'],
  ['field twice', 'filter', 'filter=era%3Da&filter=era%3Db', 'filter'],
  ['filter with a line break and a control sequence', 'filter', 'filter=server%0A%1B%5B31m%3Da', 'filter', 8],
  ['filter of an unknown field', 'filter', 'filter=server%3Da+and+user%3Db', 'filter', 14],
  ['filter of a wrong type', 'filter', 'filter=duration_us%3Emany', 'filter', 13],
  ['filter of a time that is none', 'filter', 'filter=occurred_at%3E2026-13-01T00:00:00Z', 'filter', 13],
  ['filter that is never closed', 'filter', 'filter=server%3D%22a', 'filter', 8],
  ['search that is never closed', 'q', 'q=a+%22b', 'q', 3],
  ['cursor of somebody else', 'cursor', 'cursor=abc', 'cursor'],
  ['group that there is not', 'group', 'group_by=principal,secret', 'group_by.1'],
];

const ROWS = Object.entries(ROUTES).flatMap(([name, { path, with: needed, takes }]) =>
  WRONG.flatMap(([id, takesIt, query, field, position]) =>
    takesIt === '' || takes.includes(takesIt)
      ? [{ id: `${name}: ${id}`, path: `${path}?${[needed, query].filter(Boolean).join('&')}`, field, position }]
      : [],
  ),
);

describe('what cannot be read of a question is named', () => {
  let rig: AnalyticsRig;
  beforeAll(async () => {
    rig = await openAnalytics('embedded');
  }, 300_000);
  afterAll(() => rig[Symbol.asyncDispose]());

  it.each(ROWS)('$id', async ({ path, field, position }) => {
    const response = await fetch(new URL(path, rig.running().urls['http']), {
      headers: { authorization: `Bearer ${rig.keys.auditor}` },
    });
    const text = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect(JSON.parse(text)).toMatchObject({
      reason: 'invalid_request',
      errors: [{ field, message: expect.any(String) as unknown, ...(position !== undefined && { position }) }],
    });
    // One line, that moves no terminal, whatever was asked.
    expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  });
});
