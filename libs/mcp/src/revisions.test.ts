import {
  ClientNotificationSchema,
  ClientRequestSchema,
  ServerNotificationSchema,
  ServerRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { METHODS, methodFor, methodIn } from './methods.js';
import { isModern, LEGACY_REVISIONS, MODERN_REVISIONS, negotiateLegacy, REVISION_TABLES, revisionOf } from './revisions.js';
import type { RevisionTable } from './revisions/revision-table.js';

const tableOf = (revision: string): RevisionTable => {
  const table = revisionOf(revision);
  if (table === undefined) throw new Error(`no table for ${revision}`);
  return table;
};

const ALL = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

describe('revisions', () => {
  it.each([
    ...LEGACY_REVISIONS.map((revision) => [revision, false] as const),
    ...MODERN_REVISIONS.map((revision) => [revision, true] as const),
    ['2026-07-27', false] as const,
    ['2027-01-01', true] as const,
    ['9', false] as const,
    ['banana', false] as const,
    ['2026-07-28-draft', false] as const,
    ['2026-07-28, 2026-07-28', false] as const,
    ['', false] as const,
  ])('%s is modern: %s', (revision, expected) => {
    expect(isModern(revision)).toBe(expected);
  });

  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-11-25', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['2024-10-07', '2025-11-25'],
    ['banana', '2025-11-25'],
    [undefined, '2025-11-25'],
  ])('initialize that asks for %s gets %s', (requested, answered) => {
    expect(negotiateLegacy(requested)).toBe(answered);
  });
});

describe('tables of the revisions', () => {
  it('are there for every revision, newest first, under their own names', () => {
    expect(REVISION_TABLES.map(({ revision }) => revision)).toEqual([...ALL].reverse());
    expect(ALL.map((revision) => revisionOf(revision)?.revision)).toEqual(ALL);
    expect(REVISION_TABLES.every(({ era, revision }) => (era === 'modern') === isModern(revision))).toBe(true);
  });

  it.each(['2024-10-07', '2027-01-01', '', 'banana', '__proto__'])('are not there for "%s"', (revision) => {
    expect(revisionOf(revision)).toBeUndefined();
  });

  /** [id, what, the revisions that have it] */
  it.each<readonly [id: string, has: (table: RevisionTable) => boolean, revisions: readonly string[]]>([
    ['RV-initialize', (table) => table.clientRequests.has('initialize'), ALL.slice(0, 4)],
    ['RV-ping', (table) => table.clientRequests.has('ping'), ALL.slice(0, 4)],
    ['RV-ping-of-servers', (table) => table.serverRequests.has('ping'), ALL.slice(0, 4)],
    ['RV-set-level', (table) => table.clientRequests.has('logging/setLevel'), ALL.slice(0, 4)],
    ['RV-subscribe', (table) => table.clientRequests.has('resources/subscribe'), ALL.slice(0, 4)],
    ['RV-discover', (table) => table.clientRequests.has('server/discover'), ALL.slice(4)],
    ['RV-listen', (table) => table.clientRequests.has('subscriptions/listen'), ALL.slice(4)],
    ['RV-tasks', (table) => table.clientRequests.has('tasks/get'), ['2025-11-25']],
    ['RV-sampling-request', (table) => table.serverRequests.has('sampling/createMessage'), ALL.slice(0, 4)],
    ['RV-elicitation-request', (table) => table.serverRequests.has('elicitation/create'), ['2025-06-18', '2025-11-25']],
    ['RV-elicitation-embedded', (table) => table.inputRequests.has('elicitation/create'), ALL.slice(4)],
    ['RV-elicitation-form', (table) => table.elicitationModes.has('form'), ALL.slice(2)],
    ['RV-elicitation-url', (table) => table.elicitationModes.has('url'), ALL.slice(3)],
    ['RV-elicitation-complete', (table) => table.serverNotifications.has('notifications/elicitation/complete'), ['2025-11-25']],
    ['RV-roots-changed', (table) => table.clientNotifications.has('notifications/roots/list_changed'), ALL.slice(0, 4)],
    ['RV-cancelled-http', (table) => table.clientNotifications.has('notifications/cancelled'), ALL.slice(0, 4)],
    ['RV-cancelled-stdio', (table) => table.clientNotificationsOnStdio.has('notifications/cancelled'), ALL],
    ['RV-audio', (table) => table.contentTypes.has('audio'), ALL.slice(1)],
    ['RV-resource-link', (table) => table.contentTypes.has('resource_link'), ALL.slice(2)],
    ['RV-tool-use', (table) => table.samplingContentTypes.has('tool_use'), ALL.slice(3)],
    ['RV-structured', (table) => table.structuredContent !== 'none', ALL.slice(2)],
    ['RV-structured-any', (table) => table.structuredContent === 'any', ALL.slice(4)],
    ['RV-titled-choices', (table) => table.elicitationTitledChoices, ALL.slice(3)],
    ['RV-titles', (table) => table.titles, ALL.slice(2)],
    ['RV-icons', (table) => table.icons, ALL.slice(3)],
    ['RV-execution', (table) => table.toolMembers.has('execution'), ['2025-11-25']],
    ['RV-completions', (table) => table.serverCapabilities.has('completions'), ALL.slice(1)],
    ['RV-extensions', (table) => table.clientCapabilities.has('extensions'), ALL.slice(4)],
    ['RV-batches', (table) => table.batches, ['2025-03-26']],
    ['RV-two-endpoints', (table) => table.transport === 'http+sse', ['2024-11-05']],
    ['RV-session-header', (table) => table.sessionHeader, ALL.slice(1, 4)],
    ['RV-version-header', (table) => table.versionHeader !== 'none', ALL.slice(2)],
    ['RV-version-header-always', (table) => table.versionHeader === 'every', ALL.slice(4)],
    ['RV-resumption', (table) => table.resumption, ALL.slice(1, 4)],
    ['RV-priming', (table) => table.primingEvent, ['2025-11-25']],
    ['RV-envelope', (table) => table.requestEnvelope, ALL.slice(4)],
    ['RV-result-type', (table) => table.resultType, ALL.slice(4)],
    ['RV-cache-hints', (table) => table.cacheableRequests.has('resources/read'), ALL.slice(4)],
    ['RV-multi-round-trip', (table) => table.multiRoundTripRequests.has('tools/call'), ALL.slice(4)],
  ])('%s', (_id, has, revisions) => {
    expect(ALL.filter((revision) => has(tableOf(revision)))).toEqual(revisions);
  });

  it('says of 2025-11-25 what the official SDK says', () => {
    const methodsOf = (union: { options: readonly { shape: { method: { value: string } } }[] }) =>
      new Set(union.options.map((option) => option.shape.method.value));
    const table = tableOf('2025-11-25');
    expect(table.clientRequests).toEqual(methodsOf(ClientRequestSchema));
    expect(table.serverRequests).toEqual(methodsOf(ServerRequestSchema));
    expect(table.clientNotifications).toEqual(methodsOf(ClientNotificationSchema));
    expect(table.serverNotifications).toEqual(methodsOf(ServerNotificationSchema));
  });

  it('knows of every request that it calls cacheable or multi-round-trip', () => {
    for (const { clientRequests, cacheableRequests, multiRoundTripRequests } of REVISION_TABLES)
      expect([...cacheableRequests, ...multiRoundTripRequests].filter((method) => !clientRequests.has(method))).toEqual([]);
  });
});

describe('methods', () => {
  it.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'notifications/initialized',
    'notifications/cancelled',
  ])('%s is legacy only', (method) => {
    expect(methodFor('legacy', method)).toBeDefined();
    expect(methodFor('modern', method)).toBeUndefined();
    expect(ALL.filter((revision) => methodIn(tableOf(revision), method))).toEqual(ALL.slice(0, 4));
  });

  it.each<readonly [method: string, revisions: readonly string[]]>([
    ['tasks/get', ['2025-11-25', '2026-07-28']],
    ['tasks/cancel', ['2025-11-25', '2026-07-28']],
    ['tasks/result', ['2025-11-25']],
    ['tasks/update', ['2026-07-28']],
  ])('%s is in %j alone', (method, revisions) => {
    expect(ALL.filter((revision) => methodIn(tableOf(revision), method))).toEqual(revisions);
    expect(methodFor('legacy', method) !== undefined).toBe(revisions.includes('2025-11-25'));
    expect(methodFor('modern', method) !== undefined).toBe(revisions.includes('2026-07-28'));
  });

  it.each(['server/discover', 'subscriptions/listen'])('%s is modern only', (method) => {
    expect(methodFor('legacy', method)).toBeUndefined();
    expect(methodFor('modern', method)).toBeDefined();
    expect(ALL.filter((revision) => methodIn(tableOf(revision), method))).toEqual(['2026-07-28']);
  });

  it.each(['tools/call', 'tools/list', 'prompts/get', 'resources/templates/list', 'completion/complete'])(
    '%s is in both eras',
    (method) => {
      expect(methodFor('legacy', method)).toBe(methodFor('modern', method));
      expect(ALL.filter((revision) => methodIn(tableOf(revision), method) === methodFor('modern', method))).toEqual(ALL);
    },
  );

  it.each([
    '',
    'tools/Call',
    'constructor',
    '__proto__',
    'sampling/createMessage',
    'elicitation/create',
    'roots/list',
    'tasks/list',
  ])('%s is in none', (method) => {
    expect(methodFor('legacy', method)).toBeUndefined();
    expect(methodFor('modern', method)).toBeUndefined();
    expect(ALL.filter((revision) => methodIn(tableOf(revision), method))).toEqual([]);
  });

  it('says of every list where its items are', () => {
    for (const [method, row] of METHODS) expect([method, row.listKey !== undefined]).toEqual([method, row.shape === 'list']);
  });

  it('has no method that no revision has', () => {
    for (const [method, row] of METHODS) expect([method, row.eras.length > 0]).toEqual([method, true]);
  });
});
