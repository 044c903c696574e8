import { z } from 'zod';
import { everySink, httpReach, httpUrl, JSON_MAPPINGS, secret } from './sink-parts.js';

/** Settings of a sink that is Microsoft Sentinel. */
export const sentinelSink = z.strictObject({
  type: z.literal('sentinel').describe('Microsoft Sentinel, by the Logs Ingestion API of Azure Monitor.'),
  ...everySink(JSON_MAPPINGS),
  url: httpUrl.describe('Logs ingestion endpoint of the data collection endpoint or rule, `https://….ingest.monitor.azure.com`.'),
  rule: z
    .string()
    .regex(/^dcr-[A-Za-z0-9]{1,64}$/, 'must be the immutable id of a data collection rule, which begins with dcr-. Correct it.')
    .describe('Immutable id of the data collection rule.'),
  stream: z
    .string()
    .regex(/^Custom-\w{1,100}$/, 'must be the name of a stream of the rule, which begins with Custom-. Correct it.')
    .default('Custom-SwitchyardAudit_CL')
    .describe('Stream of the rule, with columns TimeGenerated, OccurredAt, EventId, EventType, Outcome and Event (dynamic).'),
  tenantId: z.string().min(1).describe('Directory (tenant) that the app is registered in.'),
  clientId: z
    .string()
    .min(1)
    .describe('Application (client) id of an app with the role Monitoring Metrics Publisher on the rule.'),
  clientSecret: secret.describe('Its secret, as a reference.'),
  authority: httpUrl
    .default('https://login.microsoftonline.com')
    .describe('Where tokens come from; another in the clouds of governments.'),
  scope: z
    .string()
    .min(1)
    .default('https://monitor.azure.com//.default')
    .describe('Scope of the token; another in the clouds of governments.'),
  ...httpReach,
});
