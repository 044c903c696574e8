import { z } from 'zod';
import { everySink, httpReach, httpUrl, MAPPINGS, secret } from './sink-parts.js';

/** Settings of a sink that is Splunk. */
export const splunkHecSink = z.strictObject({
  type: z.literal('splunk-hec').describe("Splunk's HTTP Event Collector, with indexer acknowledgement."),
  ...everySink(MAPPINGS),
  url: httpUrl.describe(
    'The collector, for example `https://splunk.example.com:8088`. What is behind the host is put before `/services/collector`.',
  ),
  token: secret.describe('Token of the collector, as a reference.'),
  acknowledge: z
    .boolean()
    .default(true)
    .describe(
      'Whether an event counts as delivered only when the indexer says that it has it. The token needs it enabled in Splunk.',
    ),
  index: z.string().min(1).optional().describe("Index. Unless given: the token's own."),
  source: z.string().min(1).default('switchyard').describe('Source that events are said to have.'),
  sourcetype: z.string().min(1).default('switchyard:audit').describe('Source type that events are said to have.'),
  ...httpReach,
});
