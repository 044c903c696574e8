import { z } from 'zod';
import { everySink, httpReach, httpUrl, JSON_MAPPINGS, secret } from './sink-parts.js';

/** Settings of a sink that is Datadog. */
export const datadogSink = z.strictObject({
  type: z.literal('datadog').describe('Datadog logs.'),
  ...everySink(JSON_MAPPINGS),
  site: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,100}$/, 'must be a Datadog site. Write for example datadoghq.eu.')
    .default('datadoghq.com')
    .describe('Datadog site, for example `datadoghq.eu`.'),
  url: httpUrl
    .optional()
    .describe("Where logs are taken, instead of the site's `https://http-intake.logs.<site>`: a relay, for example."),
  apiKey: secret.describe('API key, as a reference.'),
  service: z.string().min(1).max(100).default('switchyard').describe('Service that events are said to be of.'),
  tags: z.array(z.string().min(1)).default([]).describe('Tags, for example `env:prod`.'),
  ...httpReach,
});
