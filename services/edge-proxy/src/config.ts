import { certificateProxiesSection, tlsSection } from '@switchyard/gateway-config';
import { listenAddress, platformSchema } from '@switchyard/platform';
import * as z from 'zod';

const serviceUrl = z.url({ protocol: /^https?$/ });

/** Where the services behind the edge are; their URLs are reached as written, never through the SSRF guard. */
export const servicesSchema = z.strictObject({
  authServer: serviceUrl.describe('Authorization server: /oauth, its metadata, /api/v1/keys'),
  tokenVault: serviceUrl.describe('Token vault: /connect, /api/v1/secrets'),
  capabilityRegistry: serviceUrl.describe('Capability registry: /api/v1/servers, /api/v1/upstreams, /api/v1/config'),
  analytics: serviceUrl.describe('Analytics: /api/v1/events'),
});

/** Limits; every one has a default that suits most. */
export const limitsSchema = z.strictObject({
  bodyLimitBytes: z
    .int()
    .min(1024)
    .default(4 * 1024 * 1024)
    .describe('Largest request body taken'),
  resultLimitBytes: z
    .int()
    .min(1024)
    .default(16 * 1024 * 1024)
    .describe('Largest message taken from an upstream'),
  listTimeoutMs: z.int().min(100).default(5_000).describe('Longest wait for one upstream’s part of a list'),
  listTtlMs: z
    .int()
    .min(0)
    .default(30_000)
    .describe('How long an upstream’s list is kept where the upstream does not say, unless it tells of a change; 0: not at all'),
  listPageItems: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Most items on one page of a list; many clients read the first page only'),
  callLimitMs: z.int().min(1000).default(600_000).describe('Longest that a call may take, whatever its upstream sends meanwhile'),
  headersTimeoutMs: z.int().min(100).default(10_000).describe('Longest wait for the header section of a request'),
  bodyTimeoutMs: z.int().min(100).default(30_000).describe('Longest wait for the body of a request'),
  slowReaderTimeoutMs: z.int().min(100).default(30_000).describe('Longest wait for a client that does not read its answer'),
  sessionsPerPrincipal: z
    .int()
    .min(1)
    .default(1_000)
    .describe(
      'Most sessions of one caller at one edge; beyond them the one used least recently ends. Anonymous callers are one caller',
    ),
  drainTimeoutMs: z.int().min(0).default(25_000).describe('Longest wait for calls under way when the edge is stopped'),
});

/** What the edge itself needs to know. */
export const edgeProxyConfigSchema = z.strictObject({
  listen: listenAddress('0.0.0.0', 8080, 'The public listener.'),
  publicUrl: z.url().describe('Origin under which clients reach the gateway'),
  certificateUrl: z.url().optional().describe('Origin at which clients are asked for certificates, if elsewhere'),
  tls: tlsSection.optional(),
  tlsSource: z
    .strictObject({ file: z.string(), path: z.array(z.string()) })
    .default({ file: '', path: ['tls'] })
    .describe('Where `tls` stands'),
  certificateProxies: certificateProxiesSection.optional(),
  emitter: z.string().min(1).describe('Name of this edge in events and towards the token vault'),
  services: servicesSchema,
  limits: limitsSchema.prefault({}),
});

/** Configuration of the edge. */
export type EdgeProxyConfig = z.infer<typeof edgeProxyConfigSchema>;

/** The file that a lone edge is started with. */
export const edgeProxyFileSchema = z.strictObject({
  gatewayFile: z.string().describe('The gateway’s switchyard.yaml; the edge reads gateway.publicUrl from it'),
  listen: listenAddress('0.0.0.0', 8080, 'The public listener.'),
  management: listenAddress('127.0.0.1', 9080, 'Where /health, /ready and /metrics are served.'),
  tls: tlsSection.optional(),
  certificateProxies: certificateProxiesSection.optional(),
  services: servicesSchema,
  limits: limitsSchema.prefault({}),
  platform: platformSchema,
});
