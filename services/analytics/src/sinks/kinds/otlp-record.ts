import type { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { EventJson } from '@switchyard/contracts';
import { levelOf, type Level } from '../mappings/event-level.js';
import type { SinkItem } from '../sink.js';

/** A log record, as OpenTelemetry's serializers take it. */
export type LogRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];

type Field = keyof EventJson;

/** OpenTelemetry's own attributes, by the field that they tell (semantic conventions "General logs attributes", "MCP", "User"). */
const KNOWN: readonly (readonly [attribute: string, field: Field])[] = [
  ['log.record.uid', 'event_id'],
  ['user.id', 'principal_subject'],
  ['user.name', 'principal_name'],
  ['mcp.method.name', 'method'],
  ['mcp.protocol.version', 'revision'],
  ['mcp.session.id', 'session_id'],
  ['jsonrpc.request.id', 'client_rpc_id'],
  ['http.response.status_code', 'http_status'],
  ['error.type', 'reason'],
];
/** What they have no attribute for, and people ask by. The body has everything. */
const OWN: readonly Field[] = [
  'type',
  'outcome',
  'tenant',
  'request_id',
  'principal_issuer',
  'principal_kind',
  'client_id',
  'client_name',
  'client_version',
  'teams',
  'on_behalf_of',
  'server',
  'upstream',
  'capability_kind',
  'capability',
  'upstream_capability',
  'origin',
  'rule',
  'rpc_code',
  'bytes_in',
  'bytes_out',
  'duration_us',
  'upstream_us',
  'cost_micros',
];
const ATTRIBUTES = [...KNOWN, ...OWN.map((field) => [`switchyard.${field}`, field] as const)];
const CAPABILITIES: Readonly<Record<string, string>> = {
  tool: 'gen_ai.tool.name',
  prompt: 'gen_ai.prompt.name',
  resource: 'mcp.resource.uri',
};

/** OTLP "SeverityNumber" of each level. */
const LEVEL_NUMBERS: Readonly<Record<Level, number>> = { informational: 9, low: 9, medium: 13, high: 17, critical: 21 };
const SEVERITY_TEXTS: Readonly<Record<number, string>> = { 9: 'INFO', 13: 'WARN', 17: 'ERROR', 21: 'FATAL' };

/** What failed is ERROR here, whatever it is to security: people who run things look at that. */
const FAILED_NUMBER = 17;

function severityOf(event: EventJson) {
  const severityNumber = Math.max(event.outcome === 'error' ? FAILED_NUMBER : 0, LEVEL_NUMBERS[levelOf(event)]);
  return { severityNumber, severityText: SEVERITY_TEXTS[severityNumber] ?? '' };
}

const SCOPE = { name: 'switchyard.audit' };
/** The last second that 64 bits of nanoseconds can tell. */
const LAST_SECOND = 18_446_744_072;

/**
 * Makes log records of events. Those of one emitter have one resource, so that a request says it once.
 * @param resource further attributes of every resource
 */
export function logRecordsOf(items: readonly SinkItem[], resource: Readonly<Record<string, string>>): LogRecord[] {
  const resources = new Map<string, LogRecord['resource']>();
  const resourceOf = (emitter: string) => {
    const known = resources.get(emitter);
    if (known !== undefined) return known;
    const made = resourceFromAttributes({ 'service.name': 'switchyard', 'service.instance.id': emitter, ...resource });
    resources.set(emitter, made);
    return made;
  };
  return items.map(({ event, text }) => ({
    ...severityOf(event),
    hrTime: timeOf(event.occurred_at),
    hrTimeObserved: timeOf(event.recorded_at ?? event.occurred_at),
    eventName: `switchyard.${event.type ?? ''}`,
    body: text.toWellFormed(),
    attributes: attributesOf(event),
    droppedAttributesCount: 0,
    // Events know the trace, and not the span.
    ...(isTraceId(event.trace_id) && { spanContext: { traceId: event.trace_id, spanId: '', traceFlags: 0 } }),
    resource: resourceOf(event.emitter ?? ''),
    instrumentationScope: SCOPE,
  }));
}

function attributesOf(event: EventJson): LogRecord['attributes'] {
  const attributes: Record<string, string | number | string[]> = {};
  for (const [attribute, field] of ATTRIBUTES) {
    const value: unknown = event[field];
    if (typeof value === 'number') attributes[attribute] = value;
    else if (typeof value === 'string') attributes[attribute] = value.toWellFormed();
    else if (Array.isArray(value)) attributes[attribute] = value.map((one) => String(one).toWellFormed());
  }
  const name = CAPABILITIES[event.capability_kind ?? ''];
  if (name !== undefined && typeof event.capability === 'string') attributes[name] = event.capability.toWellFormed();
  return attributes;
}

const isTraceId = (text: string | undefined): text is string => text !== undefined && /^(?!0{32})[0-9a-f]{32}$/.test(text);

/** Seconds and nanoseconds; 0, which is "unknown", for what is no time, or none that OTLP can tell. */
function timeOf(text = ''): [number, number] {
  const seconds = Math.floor(Date.parse(text) / 1000);
  if (!(seconds >= 0 && seconds <= LAST_SECOND)) return [0, 0];
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  return [seconds, Number(fraction.padEnd(9, '0'))];
}
