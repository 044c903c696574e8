import { METHODS, methodFor } from './methods.js';
import { isModern, LEGACY_REVISIONS, MODERN_REVISIONS, negotiateLegacy } from './revisions.js';

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
  });

  it.each(['server/discover', 'subscriptions/listen'])('%s is modern only', (method) => {
    expect(methodFor('legacy', method)).toBeUndefined();
    expect(methodFor('modern', method)).toBeDefined();
  });

  it.each(['tools/call', 'tools/list', 'prompts/get', 'resources/templates/list', 'completion/complete'])(
    '%s is in both eras',
    (method) => {
      expect(methodFor('legacy', method)).toBe(methodFor('modern', method));
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
    'tasks/get',
  ])('%s is in none', (method) => {
    expect(methodFor('legacy', method)).toBeUndefined();
    expect(methodFor('modern', method)).toBeUndefined();
  });

  it('says of every list where its items are', () => {
    for (const [method, row] of METHODS) expect([method, row.listKey !== undefined]).toEqual([method, row.shape === 'list']);
  });
});
