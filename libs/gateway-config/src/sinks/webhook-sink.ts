import { z } from 'zod';
import { everySink, httpReach, httpUrl, MAPPINGS, secret } from './sink-parts.js';

/** Settings of a sink that posts to a URL of your own. */
export const webhookSink = z.strictObject({
  type: z.literal('webhook').describe('A URL that batches of events are posted to, signed (Standard Webhooks 1.0).'),
  ...everySink(MAPPINGS),
  url: httpUrl.describe('Where batches are posted to.'),
  secret: secret.describe('Key of the signature, as a reference: `whsec_` and 24 to 64 bytes in base64.'),
  batchEvents: z.int().min(1).max(1_000).default(100).describe('Most events in one request.'),
  ...httpReach,
});
