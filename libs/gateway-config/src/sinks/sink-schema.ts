import { z } from 'zod';
import { datadogSink } from './datadog-sink.js';
import { elasticSink } from './elastic-sink.js';
import { fileSink } from './file-sink.js';
import { otlpSink } from './otlp-sink.js';
import { s3Sink } from './s3-sink.js';
import { sentinelSink } from './sentinel-sink.js';
import { splunkHecSink } from './splunk-hec-sink.js';
import { syslogSink } from './syslog-sink.js';
import { webhookSink } from './webhook-sink.js';

/** Every kind of sink: one row each. What it does is in services/analytics/src/sinks/kinds. */
const KINDS = [
  fileSink,
  webhookSink,
  splunkHecSink,
  elasticSink,
  datadogSink,
  sentinelSink,
  otlpSink,
  s3Sink,
  syslogSink,
] as const;
const names = KINDS.map(({ shape }) => `"${shape.type.value}"`);

/** Schema of one entry under `audit.sinks`. */
export const sinkSchema = z
  .discriminatedUnion('type', KINDS, {
    error: (issue) =>
      issue.code === 'invalid_union' ? `type must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}.` : undefined,
  })
  .describe('Somewhere that events are sent to.');

/** A sink as configured. Secrets in it are references. */
export type SinkConfig = z.output<typeof sinkSchema>;

/** Settings of one kind. */
export type SinkConfigOf<Type extends SinkConfig['type']> = Extract<SinkConfig, { readonly type: Type }>;

/** Name of a sink. */
export const sinkNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9 and "-", starting with a letter or digit. Rename it.');
