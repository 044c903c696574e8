import { EventSchema } from '../gen/switchyard/events/v1/event_pb.js';
import { eventsPaths, eventsQuery, eventView } from './events.js';

describe('GET /api/v1/events', () => {
  it('shows every field of an event, and nothing else', () => {
    expect(Object.keys(eventView.shape)).toEqual(EventSchema.fields.map(({ jsonName }) => jsonName));
  });

  it('documents every parameter that it takes', () => {
    const { parameters } = eventsPaths['/api/v1/events'].get;
    expect(parameters.map(({ name }) => name)).toEqual(Object.keys(eventsQuery.shape));
    expect(parameters.find(({ name }) => name === 'limit')).toEqual({
      name: 'limit',
      in: 'query',
      required: false,
      description: 'Most events in the answer.',
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
    });
  });

  it.each([
    ['none', {}, { limit: 100 }],
    ['limit', { limit: '7' }, { limit: 7 }],
    ['offset', { from: '2026-01-01T00:00:00+02:00' }, { from: '2026-01-01T00:00:00+02:00', limit: 100 }],
  ])('%s: is taken', (_id, query, expected) => {
    expect(eventsQuery.parse(query)).toEqual(expected);
  });

  it.each([
    ['unknown', { principals: 'ana' }, 'unrecognized_keys'],
    ['twice', { principal: ['ana', 'bob'] }, 'invalid_type'],
    ['empty', { principal: '' }, 'too_small'],
    ['limit-0', { limit: '0' }, 'too_small'],
    ['limit-1001', { limit: '1001' }, 'too_big'],
    ['limit-word', { limit: 'all' }, 'invalid_type'],
    ['no-zone', { from: '2026-01-01T00:00:00' }, 'invalid_format'],
    ['from-is-to', { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00+01:00' }, 'custom'],
    ['from-behind-to', { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'custom'],
    ['type', { type: 'tool.call' }, 'invalid_value'],
    ['outcome', { outcome: 'failed' }, 'invalid_value'],
    ['no-day', { to: '2026-02-30T00:00:00Z' }, 'invalid_format'],
  ])('%s: is refused', (_id, query, code) => {
    expect(eventsQuery.safeParse(query).error?.issues.map((issue) => issue.code)).toEqual([code]);
  });
});
