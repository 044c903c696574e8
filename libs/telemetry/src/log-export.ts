import { type Attributes, SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import type { LogRecord } from './log-fields.js';

/** Where records of a log go besides standard error. */
export interface LogExport {
  /** @param record with sanitised fields */
  emit(level: 'debug' | 'info' | 'warn' | 'error', message: string, record: LogRecord): void;
  /** Exports what is left and stops. Idempotent; a collector that cannot be reached does not make it fail. */
  close(): Promise<void>;
}

const SCOPE = 'switchyard';
const EXPORT_TIMEOUT_MS = 3_000;
const SEVERITY = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const;

/** What errors are called in OpenTelemetry's semantic conventions. */
const ERROR_ATTRIBUTES: Readonly<Record<string, string>> = {
  name: 'exception.type',
  message: 'exception.message',
  stack: 'exception.stacktrace',
  code: 'error.code',
};

/**
 * Starts to export a log over OTLP/HTTP: the same records with the same fields as on standard error. Records that the collector does not
 * take in time are dropped; those on standard error are not.
 * @param o.otlpEndpoint base URL of the collector, for example `http://localhost:4318`
 */
export function startLogExport(o: {
  readonly service: string;
  readonly instance: string;
  readonly otlpEndpoint: string;
}): LogExport {
  const exporter = new OTLPLogExporter({
    url: `${o.otlpEndpoint.replace(/\/+$/, '')}/v1/logs`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': o.service, 'service.instance.id': o.instance }),
    processors: [new BatchLogRecordProcessor({ exporter, exportTimeoutMillis: EXPORT_TIMEOUT_MS })],
  });
  const logger = provider.getLogger(SCOPE);
  let closed: Promise<void> | undefined;
  return {
    emit: (level, message, record) =>
      logger.emit({
        severityNumber: SEVERITY[level],
        severityText: level.toUpperCase(),
        body: message,
        timestamp: Date.now(),
        attributes: attributesOf(record),
      }),
    close: () => (closed ??= provider.shutdown().catch(() => undefined)),
  };
}

function attributesOf({ error, ...fields }: LogRecord): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(fields))
    if (typeof value === 'string' || typeof value === 'number') attributes[name] = value;
  for (const [name, value] of Object.entries(typeof error === 'object' && error !== null ? error : {})) {
    const attribute = ERROR_ATTRIBUTES[name];
    if (attribute !== undefined) attributes[attribute] = String(value);
  }
  return attributes;
}
