import { pino } from 'pino';
import type { LogExport } from './log-export.js';
import { type LogFields, type LogRecord, sanitiseFields } from './log-fields.js';
import { terminalLines } from './terminal-lines.js';

/** Levels, from talkative to quiet. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Least level that is written; `silent` writes nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number];

type Level = Exclude<LogLevel, 'silent'>;

/** Structured log. Messages are constant sentences; what varies goes into fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every record. */
  child(fields: LogFields): Logger;
}

interface Sink {
  readonly own: pino.Logger;
  readonly exported: LogExport | undefined;
}

function write(sink: Sink, level: Level, bound: LogRecord, message: string, fields: LogFields | undefined): void {
  const { own, exported } = sink;
  if (!own.isLevelEnabled(level)) return;
  const record = fields === undefined ? bound : { ...bound, ...sanitiseFields(fields) };
  own[level](record, message);
  exported?.emit(level, message, record);
}

function loggerOn(sink: Sink, bound: LogRecord): Logger {
  return {
    debug: (message, fields) => write(sink, 'debug', bound, message, fields),
    info: (message, fields) => write(sink, 'info', bound, message, fields),
    warn: (message, fields) => write(sink, 'warn', bound, message, fields),
    error: (message, fields) => write(sink, 'error', bound, message, fields),
    child: (fields) => loggerOn(sink, { ...bound, ...sanitiseFields(fields) }),
  };
}

// Synchronous: the last record before a crash is the one that matters, and the hot path does not log at the default level.
function standardError(): pino.DestinationStream {
  return process.stderr.isTTY ? terminalLines(process.stderr) : pino.destination({ dest: 2, sync: true });
}

/**
 * Starts a log: one JSON object per line on standard error, or one readable line where that is a terminal.
 * @param o.service name of the process, on every record
 * @param o.level least level that is written
 * @param o.exportTo where records go too
 * @param o.destination where lines go instead, for tests
 */
export function createLogger(o: {
  readonly service: string;
  readonly level: LogLevel;
  readonly exportTo?: LogExport | undefined;
  readonly destination?: NodeJS.WritableStream;
}): Logger {
  const own = pino(
    {
      level: o.level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    o.destination ?? standardError(),
  );
  return loggerOn({ own, exported: o.exportTo }, sanitiseFields({ service: o.service }));
}
