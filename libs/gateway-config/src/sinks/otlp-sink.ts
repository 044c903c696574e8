import { z } from 'zod';
import { everySink, httpReach, httpUrl, MAPPINGS, secret } from './sink-parts.js';

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be the name of a header field. Correct it.')
  .refine(
    (name) => !['content-type', 'content-encoding', 'content-length', 'host'].includes(name.toLowerCase()),
    'is said by the gateway. Remove it.',
  );

/** Settings of a sink that takes OTLP. */
export const otlpSink = z.strictObject({
  type: z
    .literal('otlp')
    .describe('OpenTelemetry logs, by OTLP over HTTP: a collector, or a product that takes OTLP. An event is a log record.'),
  ...everySink(MAPPINGS),
  url: httpUrl.describe(
    'Where OTLP is taken, for example `http://collector.example.com:4318`. `/v1/logs` is put behind it where it does not end so.',
  ),
  headers: z
    .record(headerName, secret)
    .default({})
    .describe('Header fields of every request, each with a reference: `authorization: "Bearer ${secret:otlp}"`, for example.'),
  resource: z
    .record(z.string().min(1).max(100), z.string().max(1_000))
    .default({})
    .describe(
      'Further attributes of the resource that records are of, for example `deployment.environment.name: prod`. `service.name` is `switchyard` unless it is here.',
    ),
  encoding: z.enum(['protobuf', 'json']).default('protobuf').describe('Encoding of requests.'),
  compression: z.enum(['gzip', 'none']).default('gzip').describe('Compression of requests.'),
  ...httpReach,
});
