import { diag, DiagLogLevel, type Meter, type Tracer } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricProducer, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { Counters } from './counters.js';
import { Histograms } from './histograms.js';
import type { Logger } from './logger.js';
import { observeProcess } from './process-metrics.js';
import { PrometheusReader } from './prometheus-reader.js';

/** Traces and metrics of one process. */
export interface Telemetry {
  /** Records spans, where an OTLP endpoint is configured; else there is none, because one that does nothing costs too. */
  readonly tracer: Tracer | undefined;
  readonly meter: Meter;
  /** Histograms that are recorded in on every call. */
  readonly histograms: Histograms;
  /** Counters that are counted in on every call. */
  readonly counters: Counters;
  /** Everything measured through `meter`, `histograms` and `counters`, as Prometheus text. */
  metricsText(): Promise<string>;
  /** Exports what is left and stops. Idempotent; an exporter that cannot be reached does not make it fail. */
  close(): Promise<void>;
}

/** What telemetry is told at start-up. */
export interface TelemetryOptions {
  readonly service: string;
  /** Tells replicas apart, for example `edge-1`. */
  readonly instance: string;
  /** Base URL of an OTLP/HTTP collector, for example `http://localhost:4318`. */
  readonly otlpEndpoint?: string;
  /** Where failures to collect or export are told. */
  readonly log?: Logger;
}

const scope = 'switchyard';
const exportTimeoutMs = 3_000;
const metricsIntervalMs = 15_000;

const signalUrl = (endpoint: string, signal: 'traces' | 'metrics') => `${endpoint.replace(/\/+$/, '')}/v1/${signal}`;

function spanProcessor(endpoint: string): BatchSpanProcessor {
  return new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url: signalUrl(endpoint, 'traces'), timeoutMillis: exportTimeoutMs }),
    exportTimeoutMillis: exportTimeoutMs,
  });
}

function metricExportReader(endpoint: string, producers: MetricProducer[]): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: signalUrl(endpoint, 'metrics'), timeoutMillis: exportTimeoutMs }),
    exportIntervalMillis: metricsIntervalMs,
    exportTimeoutMillis: exportTimeoutMs,
    metricProducers: producers,
  });
}

// The SDK reports export failures through its process-wide diagnostics only.
function reportExportFailures(log: Logger): void {
  const quiet = () => undefined;
  const report = (message: string) => log.warn('telemetry could not be exported', { reason: message });
  diag.setLogger({ error: report, warn: report, info: quiet, debug: quiet, verbose: quiet }, { logLevel: DiagLogLevel.WARN });
}

/**
 * Starts traces and metrics.
 * @param o.otlpEndpoint without it spans go nowhere and metrics are only offered as Prometheus text
 */
export async function startTelemetry(o: TelemetryOptions): Promise<Telemetry> {
  if (o.log !== undefined && o.otlpEndpoint !== undefined) reportExportFailures(o.log);
  const resource = resourceFromAttributes({ 'service.name': o.service, 'service.instance.id': o.instance });
  const histograms = new Histograms(resource, scope);
  const counters = new Counters(resource, scope);
  const own = [histograms, counters];
  const prometheus = new PrometheusReader(own, (error) => o.log?.warn('a metric could not be collected', { error }));
  const exporting =
    o.otlpEndpoint === undefined
      ? undefined
      : { spans: spanProcessor(o.otlpEndpoint), metrics: metricExportReader(o.otlpEndpoint, own) };
  const metrics = new MeterProvider({
    resource,
    readers: exporting === undefined ? [prometheus] : [prometheus, exporting.metrics],
  });
  const traces = exporting === undefined ? undefined : new TracerProvider({ resource, spanProcessors: [exporting.spans] });
  const meter = metrics.getMeter(scope);
  const stopObserving = observeProcess(meter);
  let closed: Promise<void> | undefined;

  const close = async () => {
    stopObserving();
    const results = await Promise.allSettled([traces?.shutdown(), metrics.shutdown()]);
    for (const result of results) {
      if (result.status === 'rejected') o.log?.warn('telemetry was not exported completely', { error: result.reason });
    }
  };
  return {
    tracer: traces?.getTracer(scope),
    meter,
    histograms,
    counters,
    metricsText: () => prometheus.text(),
    close: () => (closed ??= close()),
  };
}
