import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@switchyard/telemetry';

const firstError = (values: readonly unknown[]) => values.find((value) => value instanceof Error);

/** Nest's own log lines, in ours: what it tells about starting is only worth a debug line. */
export function nestLogger(log: Logger): LoggerService {
  return {
    log: (message: unknown) => log.debug(String(message)),
    debug: (message: unknown) => log.debug(String(message)),
    verbose: (message: unknown) => log.debug(String(message)),
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown, ...rest: unknown[]) => log.error(String(message), { error: firstError([message, ...rest]) }),
    fatal: (message: unknown, ...rest: unknown[]) => log.error(String(message), { error: firstError([message, ...rest]) }),
  };
}
