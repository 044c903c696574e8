import type { Outcome } from '@switchyard/contracts';
import type { Mapping } from '../mapping.js';
import { levelOf, SEVERITY_OF_10 } from './event-level.js';
import { happenedAtMs, summaryOf, type ToldEvent } from './told-event.js';

/**
 * ArcSight Common Event Format, version 0. What the dictionary of its keys has no place for has a key of Switchyard's own, named as
 * the standard asks of vendors.
 */
export const cefMapping: Mapping = { contentType: 'text/plain', map: (event) => cefOf(event) };

/** `act`: what the gateway did about it. */
const ACTIONS: Readonly<Partial<Record<Outcome, string>>> = { ok: 'allowed', pending: 'allowed', denied: 'denied' };

interface Key {
  readonly key: string;
  /** Longest value in characters that the dictionary allows; Infinity for Switchyard's own. */
  readonly limit: number;
  /** Of the custom fields, what they hold. */
  readonly label?: string;
}

/** Keys by field of the event, in their order in the line. What has no row is `Switchyard<Name>`. */
const KEYS: Readonly<Partial<Record<keyof ToldEvent, Key>>> = {
  event_id: { key: 'cs1', limit: 4_000, label: 'eventId' },
  emitter: { key: 'dvchost', limit: 100 },
  reason: { key: 'reason', limit: 1_023 },
  outcome: { key: 'outcome', limit: 63 },
  principal_subject: { key: 'suid', limit: 1_023 },
  principal_name: { key: 'suser', limit: 1_023 },
  principal_issuer: { key: 'sntdom', limit: 255 },
  server: { key: 'sourceServiceName', limit: 1_023 },
  upstream: { key: 'destinationServiceName', limit: 1_023 },
  client_name: { key: 'requestClientApplication', limit: 1_023 },
  capability: { key: 'cs2', limit: 4_000, label: 'capability' },
  rule: { key: 'cs3', limit: 4_000, label: 'rule' },
  request_id: { key: 'cs4', limit: 4_000, label: 'requestId' },
  trace_id: { key: 'cs5', limit: 4_000, label: 'traceId' },
  tenant: { key: 'cs6', limit: 4_000, label: 'tenant' },
  method: { key: 'flexString1', limit: 1_023, label: 'method' },
  duration_us: { key: 'cn1', limit: Infinity, label: 'durationMicros' },
  http_status: { key: 'cn2', limit: Infinity, label: 'httpStatus' },
  rpc_code: { key: 'cn3', limit: Infinity, label: 'rpcCode' },
  bytes_in: { key: 'in', limit: Infinity },
  bytes_out: { key: 'out', limit: Infinity },
};

/** What is told of them otherwise. */
const TOLD: ReadonlySet<string> = new Set(['type', 'occurred_at']);

const MESSAGE_LIMIT = 1_023;
const CATEGORY_LIMIT = 1_023;
const HEADER_LIMIT = 512;

function cefOf(event: ToldEvent): string {
  const { type = 'unknown', outcome } = event;
  const header = [
    'CEF:0',
    'Switchyard',
    'Switchyard',
    '1',
    inHeader(type),
    inHeader(nameOf(type)),
    SEVERITY_OF_10[levelOf(event)],
  ];
  const action = outcome === undefined || !Object.hasOwn(ACTIONS, outcome) ? undefined : ACTIONS[outcome as Outcome];
  const pairs = [
    pair('rt', happenedAtMs(event), Infinity),
    pair('cat', type.split('.')[0] ?? '', CATEGORY_LIMIT),
    ...(action === undefined ? [] : [pair('act', action, 63)]),
    ...Object.entries(event).flatMap(([name, value]) => (TOLD.has(name) ? [] : pairsOf(name, value))),
    pair('msg', summaryOf(event), MESSAGE_LIMIT),
  ];
  return `${header.join('|')}|${pairs.join(' ')}`;
}

function pairsOf(name: string, value: unknown): string[] {
  const known = KEYS[name as keyof ToldEvent];
  if (known === undefined) return [pair(ownKey(name), value, Infinity)];
  const { key, limit, label } = known;
  return label === undefined ? [pair(key, value, limit)] : [pair(key, value, limit), pair(`${key}Label`, label, limit)];
}

/** `client_id` is `SwitchyardClientId`. */
const ownKey = (name: string) => `Switchyard${name.split('_').map(capitalized).join('')}`;
const capitalized = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);

/** `tool.called` is `Tool called`. */
const nameOf = (type: string) => capitalized(type.replaceAll(/[._]/g, ' '));

function pair(key: string, value: unknown, limit: number): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  return `${key}=${inExtension(cut(text, limit))}`;
}

/** The first so many characters, none of them in halves. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const isWhole = text.slice(0, limit).isWellFormed();
  return text.slice(0, isWhole ? limit : limit - 1);
}

/** Whatever moves a cursor, ends a line or is not seen: C0, C1, separators of lines, and marks that turn the direction of text. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** In the header a backslash and a pipe are escaped, and no line ends. */
const inHeader = (text: string) =>
  cut(text, HEADER_LIMIT)
    .replaceAll(/[\\|]/g, String.raw`\$&`)
    .replaceAll(UNSEEN, ' ');

/** In the extension a backslash and an equals sign are escaped, and ends of lines are told as such. */
const inExtension = (text: string) =>
  text
    .replaceAll(/[\\=]/g, String.raw`\$&`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll(UNSEEN, '?');
