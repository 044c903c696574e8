import type { HrTime } from '@opentelemetry/api';

/** Now, as seconds and nanoseconds since 1970. */
export function hrTime(): HrTime {
  const ms = Date.now();
  return [Math.trunc(ms / 1_000), (ms % 1_000) * 1_000_000];
}
