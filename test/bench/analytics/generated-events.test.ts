import type { EventView } from '@switchyard/contracts';
import { EVENT_FIELDS } from '../../../services/analytics/src/api/events-sql.js';
import { withoutEmptyFields, type EventRow } from '../../../services/analytics/src/api/event-trail.js';
import { ENGINES, withTables, type OpenedEngine } from '../../../services/analytics/src/engine/engines.fixture.js';
import { TYPES } from '../../../tools/event-types.mjs';
import { generateEvents } from './generated-events.mjs';

const rows = 40_000;
const firstMs = Date.UTC(2026, 0, 5);
const shownAsLines = `SETTINGS date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1`;
const [, chdb] = ENGINES[1] ?? [];

describe('generated events', () => {
  let opened: OpenedEngine;
  let made: EventView[];
  beforeAll(async () => {
    if (chdb === undefined) throw new Error('there is no chDB among the engines');
    opened = await withTables(chdb);
    await generateEvents(opened.engine, { rows, firstMs, made: 0 }, async () => true);
    const found = await opened.engine.query(`SELECT ${EVENT_FIELDS.join(', ')} FROM events ${shownAsLines}`);
    made = (found as readonly EventRow[]).map(withoutEmptyFields);
  }, 300_000);
  afterAll(() => opened[Symbol.asyncDispose]());

  it('have the fields that the catalogue has for their types, and no others', () => {
    const types = Map.groupBy(made, ({ type }) => type);
    expect(types.size).toBeGreaterThan(6);
    for (const [type, events] of types) {
      const fields: readonly string[] = TYPES[type]?.[2] ?? [];
      const filled = new Set(events.flatMap((event) => Object.keys(event)));
      expect([type, [...filled].filter((name) => name !== 'detail' && !fields.includes(name))]).toEqual([type, []]);
    }
  });

  it('are unequal, by day, and fail in bursts', async () => {
    const share = (test: (event: EventView) => boolean, among = made) => among.filter(test).length / among.length;
    const calls = made.filter(({ type }) => type === 'tool.called');
    expect(share(({ outcome }) => outcome === 'error', calls)).toBeCloseTo(0.03, 1);
    expect(share(({ principal_name }) => principal_name === 'user1@example.com')).toBeGreaterThan(0.05);
    const at = (hour: number) => share(({ occurred_at }) => new Date(occurred_at).getUTCHours() === hour);
    expect(at(13)).toBeGreaterThan(3 * at(1));
  });
});
