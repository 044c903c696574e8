import { fromJson, ScalarType, type DescField, type JsonValue } from '@bufbuild/protobuf';
import { EVENT_TYPES, EventSchema, type EventFields, type EventJson } from '@switchyard/contracts';
import fc from 'fast-check';
import { renderEvent, type EventIdentity } from './render-event.js';

const identity: EventIdentity = {
  tenant: 'default',
  emitter: 'edge-1',
  epoch: 1767225600000,
  sequence: 7,
  recordedAtMs: 1767225600123,
};
const parse = (line: string) => fromJson(EventSchema, JSON.parse(line) as JsonValue, { ignoreUnknownFields: false });

describe('a rendered event', () => {
  it('is one line of ProtoJSON with the identity in front and empty fields left out', () => {
    const line = renderEvent(
      { type: 'tool.called', outcome: 'ok', server: 'work', reason: '', rpc_code: 0, detail: {} },
      identity,
    );
    expect(line).toBe(
      '{"event_id":"edge-1/1767225600000/7","tenant":"default","occurred_at":"2026-01-01T00:00:00.123Z","emitter":"edge-1",' +
        '"epoch":"1767225600000","sequence":"7","server":"work","type":"tool.called","outcome":"ok"}',
    );
  });

  it('has every field of an event', () => {
    const scalar = (type: ScalarType | undefined) => (type === ScalarType.STRING ? 'text' : 7);
    const value = (field: DescField) => {
      if (field.fieldKind === 'map') return { upstream: scalar(field.scalar) };
      return field.fieldKind === 'list' ? [scalar(field.scalar)] : scalar(field.scalar);
    };
    const fields = Object.fromEntries(EventSchema.fields.map((field) => [field.jsonName, value(field)]));
    const known = { outcome: 'ok', occurred_at: '2026-02-03T04:05:06.007Z' };
    const line = renderEvent({ ...fields, ...known } as unknown as EventFields, identity);
    // The spool adds the last one.
    expect([...Object.keys(JSON.parse(line) as object), 'chain'].sort()).toEqual(
      EventSchema.fields.map(({ jsonName }) => jsonName).sort(),
    );
  });

  it('says of each of many events its own, whatever was rendered before', () => {
    const one = fc.constantFrom('', 'a', 'b', 'c"');
    const fields = fc.record({
      type: fc.constantFrom('tool.called' as const, 'proxy.hop' as const),
      outcome: fc.constant('ok' as const),
      client_name: one,
      client_version: one,
      era: one,
      revision: one,
      upstream: one,
      capability_kind: one,
      capability: one,
      upstream_capability: one,
      method: one,
    });
    const present = (event: object) => Object.fromEntries(Object.entries(event).filter(([, value]) => value !== ''));
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 20 }), (events) => {
        for (const event of events) expect(JSON.parse(renderEvent(event, identity))).toMatchObject(present(event));
        const keys = events.map((event) => Object.keys(JSON.parse(renderEvent(event, identity)) as object));
        expect(keys.map((names) => names.length)).toEqual(events.map((event) => Object.keys(present(event)).length + 6));
      }),
    );
  });

  it('keeps the time and the tenant that the caller names', () => {
    const line = renderEvent(
      { type: 'proxy.hop', outcome: 'ok', occurred_at: '2026-02-03T04:05:06.007Z', tenant: 'acme' },
      identity,
    );
    expect(JSON.parse(line)).toMatchObject({ occurred_at: '2026-02-03T04:05:06.007Z', tenant: 'acme' });
    expect(line.match(/occurred_at|"tenant"/g)).toHaveLength(2);
  });

  it.each([
    ['as-given', undefined, undefined],
    ['same', '2026-01-01T00:00:00.123Z', undefined],
    ['same-in-another-zone', '2026-01-01T01:00:00.123+01:00', undefined],
    ['earlier', '2025-12-31T23:00:00Z', '2026-01-01T00:00:00.123Z'],
    ['later', '2026-01-01T01:00:00Z', '2026-01-01T00:00:00.123Z'],
  ])('D9 %s: keeps both times where they differ', (_id, occurredAt, recordedAt) => {
    const fields = occurredAt === undefined ? {} : { occurred_at: occurredAt };
    const event = JSON.parse(renderEvent({ type: 'tool.called', outcome: 'ok', ...fields }, identity)) as EventJson;
    expect(event.occurred_at).toBe(occurredAt ?? '2026-01-01T00:00:00.123Z');
    expect(event.recorded_at).toBe(recordedAt);
  });

  it.each([
    ['unsigned-overflow', { duration_us: 2 ** 40 }, { duration_us: 2 ** 32 - 1 }],
    ['unsigned-negative', { bytes_in: -5 }, {}],
    ['unsigned-fraction', { bytes_out: 12.9 }, { bytes_out: 12 }],
    ['unsigned-not-a-number', { upstream_us: Number.NaN }, {}],
    ['signed-kept', { rpc_code: -32601 }, { rpc_code: -32601 }],
    ['signed-overflow', { rpc_code: -(2 ** 40) }, { rpc_code: -(2 ** 31) }],
    ['lone-surrogate', { client_name: 'a\ud800b' }, { client_name: 'a\ufffdb' }],
    ['line-feed', { capability: 'a\nb' }, { capability: 'a\nb' }],
    ['quote', { capability: 'a"\\b' }, { capability: 'a"\\b' }],
    ['quoted', { client_rpc_id: '"a-1"' }, { client_rpc_id: '"a-1"' }],
    ['one-quote', { client_rpc_id: '"' }, { client_rpc_id: '"' }],
    ['quoted-quote', { client_rpc_id: '"a\\"b"' }, { client_rpc_id: '"a\\"b"' }],
    ['quoted-beyond-ascii', { client_rpc_id: '"ü"' }, { client_rpc_id: '"ü"' }],
    ['teams', { teams: ['a"', 'ü'] }, { teams: ['a"', 'ü'] }],
    ['no-teams', { teams: [] }, {}],
    ['stages', { stage_us: { lease: 12.6, read: 3, resolve: 0, render: Number.NaN } }, { stage_us: { lease: 12, read: 3 } }],
    ['no-stages', { stage_us: { read: 0 } }, {}],
    ['cost-overflow', { cost_micros: 1e12 }, { cost_micros: 2 ** 32 - 1 }],
    ['detail', { detail: { 'a"': 'ü', b: '' } }, { detail: { 'a"': 'ü', b: '' } }],
  ] satisfies readonly (readonly [string, Partial<EventFields>, object])[])(
    '%s: is what its field can carry',
    (_id, fields, expected) => {
      const line = renderEvent({ type: 'tool.called', outcome: 'ok', ...fields }, identity);
      const { type, outcome, event_id, tenant, occurred_at, emitter, epoch, sequence, ...rest } = JSON.parse(line) as Record<
        string,
        unknown
      >;
      expect([type, outcome, event_id, tenant, occurred_at, emitter, epoch, sequence]).not.toContain(undefined);
      expect(rest).toEqual(expected);
      expect(line).toMatch(/^[\x20-\x7e]*$/);
    },
  );

  it('leaves out what is no field of an event', () => {
    const smuggled = { type: 'tool.called', outcome: 'ok', arguments: 'secret', event_id: 'x' } as EventFields;
    expect(JSON.parse(renderEvent(smuggled, identity))).not.toHaveProperty('arguments');
    expect(JSON.parse(renderEvent(smuggled, identity))).toHaveProperty('event_id', 'edge-1/1767225600000/7');
  });

  it('is shortened where it is too long, and names what was cut by its digest', () => {
    const detail = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key-${index}`, 'v'.repeat(1_000)]));
    const teams = Array.from({ length: 2_000 }, (_, index) => `${index}-`.repeat(400));
    const line = renderEvent(
      { type: 'tool.called', outcome: 'error', capability: 'c'.repeat(5 * 1024 ** 2), detail, teams },
      identity,
    );
    expect(line.length).toBeLessThan(64 * 1024);
    const event = parse(line);
    expect(event.capability).toMatch(/^c{512}… \(5242880 characters, sha256 [0-9a-f]{64}\)$/);
    expect(event.detail).toHaveProperty('dropped_entries', '1968');
    expect(event.teams).toHaveLength(65);
    expect(event.teams.at(-1)).toBe('… (2000 entries)');
  });

  it('parses as an event, whatever the fields hold', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const number = fc.oneof(fc.integer(), fc.double());
    const fields = fc.record(
      {
        request_id: text,
        principal_name: text,
        client_name: text,
        server: text,
        capability: text,
        client_rpc_id: text,
        http_status: number,
        rpc_code: number,
        bytes_in: number,
        duration_us: number,
        detail: fc.dictionary(text, text, { maxKeys: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fields, fc.constantFrom(...EVENT_TYPES), text, (some, type, emitter) => {
        const line = renderEvent({ type, outcome: 'ok', ...some }, { ...identity, emitter });
        const event = parse(line);
        expect(event.type).toBe(type);
        expect(event.eventId).toBe(`${emitter.toWellFormed()}/1767225600000/7`);
        expect(event.capability).toBe(some.capability?.toWellFormed() ?? '');
        expect(line).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 200 },
    );
  });
});
