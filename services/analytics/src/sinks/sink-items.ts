import type { EventJson } from '@switchyard/contracts';
import type { StreamMessage } from '@switchyard/messaging';
import type { SinkConfig } from '@switchyard/gateway-config';
import { MAPPINGS } from './mappings.js';
import { toldEvent, type ToldEvent } from './mappings/told-event.js';
import type { SinkItem } from './sink.js';
import { compileFilter } from './sink-filter.js';

/** Makes what a sink is sent from what stands in the stream. Lines that are no events are left out: ingestion keeps them apart. */
export function compileItems({ filter, mapping }: Pick<SinkConfig, 'filter' | 'mapping'>) {
  const passes = compileFilter(filter);
  const { map } = MAPPINGS[mapping];
  const itemOf = (event: ToldEvent, line: string): SinkItem => {
    const text = map(event, line);
    return { id: event.event_id ?? '', event, text, bytes: Buffer.byteLength(text) };
  };
  return {
    /** Of one batch, in its order. */
    ofMessage: ({ data }: StreamMessage): SinkItem[] =>
      linesOf(data).flatMap((line) => {
        const event = parse(line);
        return event !== undefined && passes(event) ? [itemOf(event, line)] : [];
      }),
    /** Of one event, whatever the filter says; `undefined` where it does not pass. */
    ofEvent: (event: EventJson): SinkItem | undefined => {
      const told = toldEvent(event);
      return passes(told) ? itemOf(told, JSON.stringify(event)) : undefined;
    },
  };
}

const linesOf = (data: Uint8Array) =>
  Buffer.from(data)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

function parse(line: string): ToldEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent = typeof value === 'object' && value !== null && typeof (value as EventJson).event_id === 'string';
    return isEvent ? toldEvent(value) : undefined;
  } catch {
    return undefined;
  }
}
