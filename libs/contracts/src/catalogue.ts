import type { DescMessage } from '@bufbuild/protobuf';
import { EVENT_TYPES, type EventType } from './events.js';
import { file_switchyard_events_v1_catalogue as file } from './gen/switchyard/events/v1/catalogue_pb.js';

/** Name of the message of a type: `auth.token_issued` has AuthTokenIssued. */
const messageName = (type: EventType) =>
  type
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function messageOf(type: EventType): DescMessage {
  const message = file.messages.find(({ name }) => name === messageName(type));
  if (message === undefined) throw new Error(`catalogue.proto has no message for ${type}`);
  return message;
}

/** What the events of each type have: their lines read as these messages. */
export const CATALOGUE: ReadonlyMap<string, DescMessage> = new Map(EVENT_TYPES.map((type) => [type, messageOf(type)]));

/** Messages of the catalogue, by name. */
export const CATALOGUE_MESSAGES: readonly string[] = file.messages.map(({ name }) => name);
