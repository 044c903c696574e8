import { z } from 'zod';
import { pricesSection } from './audit-prices.js';
import { CAPTURE_MODES, captureLimitBytes } from './capture-section.js';
import { cidr } from './cidr.js';
import { isLoopbackHost } from './loopback.js';
import { alertsSection } from './alerts/alerts-section.js';
import { retentionSection } from './audit-retention.js';
import { sinkNameSchema, sinkSchema } from './sinks/sink-schema.js';
import { certificateProxiesSection, tlsSection } from './tls-section.js';

const publicUrl = z.string().superRefine((text, context) => {
  const message = refusePublicUrl(text);
  if (message) context.addIssue(message);
});

function refusePublicUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an http or https URL. Write for example https://mcp.example.com.';
  if (url.origin !== text)
    return `must be an origin: no path, no trailing slash, no user, lower-case host, no default port. Write ${url.origin}.`;
  // OAuth 2.1 section 1.5: only loopback may go without TLS.
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return 'must use https, because access tokens travel over it. Plain http is accepted on a loopback host only.';
  }
  return undefined;
}

const usualUrl = ({ tls, port }: { readonly tls?: unknown; readonly port: number }) =>
  `${tls === undefined ? 'http' : 'https'}://localhost:${port}`;

/** Where the gateway is and where it keeps its data. */
export const gatewaySection = z
  .strictObject({
    publicUrl: publicUrl
      .optional()
      .describe(
        'Where clients reach the gateway: an origin without a trailing slash. Unless given: `http://localhost:<port>`, or https with `tls`.',
      ),
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address that the public listener binds to. `0.0.0.0` means every interface.'),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(8080)
      .describe('Port of the public listener. 0 picks a free one and needs `publicUrl`.'),
    tls: tlsSection.optional(),
    certificateProxies: certificateProxiesSection.optional(),
    dataDir: z
      .string()
      .min(1)
      .default('.switchyard')
      .describe('Folder for everything that the embedded profile stores. A relative path starts from the folder of this file.'),
  })
  .superRefine(({ port, publicUrl: given, tls }, context) => {
    if (port === 0 && !given)
      context.addIssue({
        code: 'custom',
        path: ['port'],
        message: 'is 0, so the public URL cannot be told from it. Add gateway.publicUrl.',
      });
    if (tls !== undefined && given?.startsWith('http:') === true)
      context.addIssue({
        code: 'custom',
        path: ['publicUrl'],
        message: 'begins with http, but gateway.tls has the listener speak TLS. Write https, or remove gateway.tls.',
      });
  })
  .prefault({})
  .transform((gateway) => ({ ...gateway, publicUrl: gateway.publicUrl ?? usualUrl(gateway) }))
  .describe('Where the gateway is and where it keeps its data.');

/** How safely events are recorded. */
export const DURABILITIES = ['standard', 'strict'] as const;

/** What is recorded and how safely. */
export const auditSection = z
  .strictObject({
    durability: z
      .enum(DURABILITIES)
      .default('standard')
      .describe(
        '`standard`: an event is in the kernel before the last byte of the answer leaves, so it survives a killed process. `strict`: it is on the disk, and what may change something is on record there before it is done, so that both survive a loss of power.',
      ),
    capture: z
      .enum(CAPTURE_MODES)
      .default('metadata')
      .describe(
        '`metadata`: who called what, when and how it ended; never arguments or results. `redacted`: those too, with every value replaced by a keyed digest but those that `servers.<slug>.audit.clear` names. `full`: as they are. What is captured is encrypted where the call is served, and only auditors can read it ([payload-capture.md](payload-capture.md)).',
      ),
    captureLimitBytes,
    limitBytes: z
      .int()
      .min(1024 ** 2)
      .default(1024 ** 3)
      .describe('Bytes of events that may wait to be forwarded. What happens at the limit, `whenFull` says.'),
    whenFull: z
      .enum(['deny', 'shed'])
      .default('deny')
      .describe(
        'What happens to calls that only read while the audit trail takes no more, because it is at its limit or its disk refuses: `deny` refuses them, `shed` serves them unrecorded, and says afterwards how many there were (event `audit.shed`). Whatever may change something is refused either way.',
      ),
    prices: pricesSection.optional(),
  })
  .extend({
    sinks: z
      .record(sinkNameSchema, sinkSchema)
      .default({})
      .describe('Where events are sent, by name. Each sink goes on from its own place, whatever becomes of the others.'),
    retention: retentionSection,
    alerts: alertsSection,
  })
  .prefault({})
  .describe('What is recorded and how safely.');

/** Where outbound connections may go. */
export const egressSection = z
  .strictObject({
    allow: z
      .array(cidr)
      .default([])
      .describe(
        'Private or otherwise special ranges that upstreams may be in, as CIDR. Loopback needs no entry while `gateway.publicUrl` is a loopback address.',
      ),
  })
  .prefault({})
  .describe('Where outbound connections may go. Public addresses always may.');
