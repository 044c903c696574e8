export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logger.js';
export { CappedSeries } from './capped-series.js';
export type { CounterSeries } from './counters.js';
export { startLogExport, type LogExport } from './log-export.js';
export type { HistogramSeries } from './histogram.js';
export type { LogFields } from './log-fields.js';
export { randomHex } from './random-digits.js';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.js';
export {
  childOf,
  formatTraceparent,
  newTraceContext,
  parentContext,
  parseTraceparent,
  type TraceContext,
} from './trace-context.js';
