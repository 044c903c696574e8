import { CATALOGUE, CATALOGUE_MESSAGES } from './catalogue.js';
import { EVENT_TYPES } from './events.js';
import { EventSchema } from './gen/switchyard/events/v1/event_pb.js';

const fields = new Map(EventSchema.fields.map((field) => [field.jsonName, field]));

describe('the catalogue of events', () => {
  it('has one message for every type, and none beside', () => {
    expect(CATALOGUE_MESSAGES.toSorted()).toEqual([...CATALOGUE.values()].map(({ name }) => name).toSorted());
    expect(CATALOGUE.size).toBe(EVENT_TYPES.length);
  });

  it.each(EVENT_TYPES)('%s: has fields of an event, as an event has them', (type) => {
    const own = CATALOGUE.get(type)?.fields ?? [];
    expect(own.length).toBeGreaterThan(9);
    for (const { jsonName, number, fieldKind, scalar } of own) {
      if (jsonName === 'detail') expect([number, fieldKind === 'message' || fieldKind === 'map']).toEqual([36, true]);
      else expect([jsonName, number, fieldKind, scalar]).toEqual([jsonName, ...idOf(jsonName)]);
    }
  });
});

function idOf(jsonName: string) {
  const field = fields.get(jsonName);
  return [field?.number, field?.fieldKind, field?.scalar];
}
