import { SYSLOG_FACILITIES, type SinkConfigOf } from '@switchyard/gateway-config';
import { levelOf, type Level } from '../mappings/event-level.js';
import { happenedAtMs, type ToldEvent } from '../mappings/told-event.js';
import type { SinkItem } from '../sink.js';

type Settings = Pick<SinkConfigOf<'syslog'>, 'facility' | 'hostname' | 'enterpriseId'>;

/** Severities of RFC 5424 section 6.2.1. */
const SEVERITIES: Readonly<Record<Level, number>> = { informational: 6, low: 5, medium: 4, high: 3, critical: 2 };

/** Facilities by what stands before the first dot of a type, where none is configured. */
const FACILITIES: Readonly<Record<string, (typeof SYSLOG_FACILITIES)[number]>> = { auth: 'authpriv' };
const OTHER_FACILITY = 'audit';

/** Longest values of the fields of the header (RFC 5424 section 6). */
const LIMITS = { hostname: 255, process: 128, type: 32 };
const NIL = '-';
const SEQUENCE_LIMIT = 2 ** 31 - 1;
const LAST_YEAR_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Fields that are told as parameters of the organisation's own element. */
const PARAMETERS = {
  event_id: 'eventId',
  tenant: 'tenant',
  type: 'type',
  outcome: 'outcome',
  reason: 'reason',
  principal_name: 'principal',
  server: 'server',
  upstream: 'upstream',
  request_id: 'requestId',
} as const;

/**
 * An event as a message of RFC 5424. HOSTNAME is the process that reported it, PROCID its boot, and `meta sequenceId` its place there:
 * the parts of its id. MSGID is its type, MSG what the mapping made of it.
 * @param isJson whether the mapping's text is JSON
 */
export function syslogMessage({ event, text }: Pick<SinkItem, 'event' | 'text'>, settings: Settings, isJson: boolean): string {
  const { emitter, epoch, type } = event;
  const header = [
    `<${priorityOf(event, settings)}>1`,
    timestampOf(event),
    printable(settings.hostname ?? emitter, LIMITS.hostname),
    'switchyard',
    printable(epoch, LIMITS.process),
    printable(type, LIMITS.type),
  ];
  return `${header.join(' ')} ${structuredData(event, settings)} ${isJson ? ascii(text) : marked(text)}`;
}

function priorityOf(event: ToldEvent, { facility }: Settings): number {
  const prefix = event.type?.split('.')[0] ?? '';
  const name = facility ?? (Object.hasOwn(FACILITIES, prefix) ? FACILITIES[prefix] : undefined) ?? OTHER_FACILITY;
  return SYSLOG_FACILITIES.indexOf(name) * 8 + SEVERITIES[levelOf(event)];
}

function timestampOf(event: ToldEvent): string {
  const ms = happenedAtMs(event);
  return ms > 0 && ms <= LAST_YEAR_MS ? new Date(ms).toISOString() : NIL;
}

const printable = (text: string | undefined, limit: number) =>
  text === undefined || text === '' ? NIL : text.replaceAll(/[^\x21-\x7e]/gu, '?').slice(0, limit);

/** Names without "@" are those that IANA has registered (RFC 5424 section 7); the other one has the number that is configured. */
function structuredData(event: ToldEvent, { enterpriseId }: Settings): string {
  const sequence = Number(event.sequence);
  const meta =
    Number.isSafeInteger(sequence) && sequence > 0
      ? element('meta', [['sequenceId', String(((sequence - 1) % SEQUENCE_LIMIT) + 1)]])
      : '';
  if (enterpriseId === undefined) return element('origin', [['software', 'Switchyard']]) + meta;
  const parameters = Object.entries(PARAMETERS).flatMap(([field, name]): [string, string][] => {
    const value = event[field as keyof typeof PARAMETERS];
    return value === undefined ? [] : [[name, value]];
  });
  return element('origin', [['software', 'Switchyard']]) + meta + element(`switchyard@${enterpriseId}`, parameters);
}

const element = (id: string, parameters: readonly (readonly [name: string, value: string])[]) =>
  `[${[id, ...parameters.map(([name, value]) => `${name}="${inParameter(value)}"`)].join(' ')}]`;

/** Section 6.3.3; control characters only break what reads lines. */
const inParameter = (value: string) => value.replaceAll(/["\\\]]/g, String.raw`\$&`).replaceAll(/\p{Cc}/gu, '?');

/** JSON is the same in ASCII, and needs no mark then, which parsers of JSON would stumble over. */
const ascii = (json: string) =>
  json.replaceAll(/[\x7f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Other text that is not ASCII is UTF-8, and says so (section 6.4). */
const marked = (text: string) => (/^[\0-\x7f]*$/.test(text) ? text : `\ufeff${text}`);
