import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorResponse } from '@switchyard/mcp';
import { openApiDocument } from '@switchyard/contracts';
import { apiMetadata, protectedResourceMetadata } from '@switchyard/oauth';
import type { Readiness } from '@switchyard/runtime';
import type { Catalog } from '../catalog.js';
import type { EdgeProxyConfig } from '../config.js';
import { LADDER, type Reason } from '../ladder.js';
import type { McpEndpoint, SseDoor } from './mcp-endpoint.js';
import type { Answer, ClientRequest, PostedRequest } from './answer.js';
import { hostServed } from './origin.js';
import type { Handlers } from './public-listener.js';
import type { ReverseProxy } from './reverse-proxy.js';

/** What the router hands requests to. */
export interface RouterOptions {
  readonly config: EdgeProxyConfig;
  readonly mcp: McpEndpoint;
  readonly proxy: ReverseProxy;
  readonly catalog: () => Catalog | undefined;
  readonly readiness: () => Promise<Readiness>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, match: RegExpExecArray) => Promise<void> | void;

interface Route {
  readonly path: RegExp;
  /** Absent: all; the handler judges. */
  readonly methods?: readonly string[];
  /** Answered whatever the Host header says: probes call by address. */
  readonly anyHost?: true;
  readonly handle: Handler;
}

const SLUG = '[a-z0-9-]{1,63}';
const ID = '[A-Za-z0-9_-]{1,100}';
/** What people have signed in to. */
const SESSIONS = `(sessions(/${ID})?|sign-out-everywhere)`;
const SERVER_PATH = `/mcp(?:/${SLUG}(?:/(?:sse|messages))?)?`;
const ISSUER_DOCUMENT = 'oauth-authorization-server|openid-configuration';

/** Every path of the public listener. Paths are compared as they were sent: no decoding, no normalising, so that there is nothing to differ about. */
export function createRouter(options: RouterOptions): Handlers {
  const { config, mcp, proxy } = options;
  const to =
    (service: keyof EdgeProxyConfig['services']): Handler =>
    (request, response) =>
      proxy.serve(request, response, config.services[service]);
  const toAuthServer: Handler = (request, response) =>
    proxy.serve(request, response, config.services.authServer, { tellsCertificate: true });
  const openApi = JSON.stringify(openApiDocument(config.publicUrl));
  const routes: readonly Route[] = [
    {
      path: new RegExp(`^/mcp(?:/(${SLUG}))?$`),
      handle: (request, response, [, slug]) => serveMcp(options, request, response, slug ?? ''),
    },
    {
      path: new RegExp(`^/mcp/(${SLUG})/sse$`),
      methods: DOOR_METHODS.sse,
      handle: (request, response, [, slug]) => mcp.serve(request, response, slug ?? '', 'sse'),
    },
    {
      path: new RegExp(`^/mcp/(${SLUG})/messages$`),
      methods: DOOR_METHODS.messages,
      handle: (request, response, [, slug]) => mcp.serve(request, response, slug ?? '', 'messages'),
    },
    {
      path: new RegExp(`^/\\.well-known/oauth-protected-resource/mcp(?:/(${SLUG}))?$`),
      methods: ['GET'],
      handle: (_request, response, [, slug]) => resourceMetadata(options, response, slug),
    },
    {
      path: /^\/\.well-known\/oauth-protected-resource\/api$/,
      methods: ['GET'],
      handle: (_request, response) => {
        response.setHeader('access-control-allow-origin', '*');
        json(response, 200, JSON.stringify(apiMetadata(config.publicUrl)));
      },
    },
    { path: new RegExp(`^/\\.well-known/(${ISSUER_DOCUMENT})(?:${SERVER_PATH})?$`), handle: toAuthServer },
    { path: new RegExp(`^${SERVER_PATH}/\\.well-known/(${ISSUER_DOCUMENT})$`), handle: toAuthServer },
    // MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery": where clients look that have read no metadata.
    { path: /^\/(authorize|token|register)$/, handle: toAuthServer },
    { path: /^\/oauth(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_\-.]*)*$/, handle: toAuthServer },
    { path: new RegExp(`^/api/v1/me/${SESSIONS}$`), handle: toAuthServer },
    { path: new RegExp(`^/api/v1/(me|people/${ID})/connections(/${ID})?$`), handle: to('tokenVault') },
    { path: new RegExp(`^/api/v1/people(/${ID}/(${SESSIONS}|disable|enable))?$`), handle: toAuthServer },
    { path: new RegExp(`^/api/v1/clients/${ID}$`), handle: toAuthServer },
    { path: /^\/api\/v1\/keys(\/[A-Za-z0-9_-]+)?$/, handle: toAuthServer },
    { path: /^\/\.well-known\/switchyard-user-jwks\.json$/, handle: to('tokenVault') },
    { path: /^\/connect(\/[A-Za-z0-9_.-]+)?$/, handle: to('tokenVault') },
    { path: /^\/api\/v1\/data-keys(\/(rotate|destroy))?$/, handle: to('tokenVault') },
    { path: /^\/api\/v1\/secrets(\/[A-Za-z0-9_.-]+)?$/, handle: to('tokenVault') },
    { path: /^\/api\/v1\/(servers|upstreams|config)$/, handle: to('capabilityRegistry') },
    { path: /^\/api\/v1\/(pipeline|audit\/(export|keys|gaps|rebuild))$/, handle: to('analytics') },
    { path: /^\/api\/v1\/events(\/(export|tail))?$/, handle: to('analytics') },
    { path: /^\/api\/v1\/events\/[A-Za-z0-9][A-Za-z0-9_.-]{0,62}(\/\w{1,18}){2}\/payload$/, handle: to('analytics') },
    { path: /^\/api\/v1\/payloads\/erase$/, handle: to('tokenVault') },
    { path: /^\/api\/v1\/requests\/(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/, handle: to('analytics') },
    { path: /^\/api\/v1\/audit\/sinks(\/[a-z0-9-]+\/replays)?$/, handle: to('analytics') },
    { path: /^\/api\/v1\/(usage(\/top)?|cost)$/, handle: to('analytics') },
    { path: /^\/api\/v1\/(retention|legal-holds(\/[a-z0-9-]+)?)$/, handle: to('analytics') },
    { path: /^\/api\/v1\/alerts(\/[a-z0-9-]+\/silence)?$/, handle: to('analytics') },
    { path: /^\/api\/openapi\.json$/, methods: ['GET'], handle: (_request, response) => json(response, 200, openApi) },
    {
      path: /^\/health$/,
      methods: ['GET', 'HEAD'],
      anyHost: true,
      handle: (_request, response) => json(response, 200, '{"status":"ok"}'),
    },
    { path: /^\/ready$/, methods: ['GET', 'HEAD'], anyHost: true, handle: (_request, response) => ready(options, response) },
    { path: /^\/$/, methods: ['GET', 'HEAD'], handle: (_request, response) => welcome(config, response) },
  ];
  return {
    any: (request, response) => dispatch(routes, config, request, response),
    posted: (request, answer) => servePosted(options, request, answer),
  };
}

/** The first of the routes, for what `readPostHead` has read: it takes no other path. */
function servePosted(options: RouterOptions, request: PostedRequest, answer: Answer): Promise<void> | void {
  const { config } = options;
  if (!hostServed(request.headers.host, config.publicUrl, config.certificateUrl)) return refuseHost(answer, config);
  return serveMcp(options, request, answer, request.url.slice(MCP_PREFIX.length));
}

function serveMcp(options: RouterOptions, request: ClientRequest, answer: Answer, slug: string): Promise<void> | void {
  return slug === 'sse' || slug === 'messages'
    ? atRoot(options, request, answer, slug)
    : options.mcp.serve(request, answer, slug);
}

const MCP_PREFIX = '/mcp/';

function refuseHost(answer: Answer, { publicUrl }: EdgeProxyConfig): void {
  refuse(answer, 'host_not_served', `This gateway serves ${publicUrl}; it was called by another name.`);
}

function dispatch(
  routes: readonly Route[],
  config: EdgeProxyConfig,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> | void {
  const path = (request.url ?? '/').split('?', 1)[0]!;
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match === null) continue;
    if (route.anyHost !== true && !hostServed(request.headers.host, config.publicUrl, config.certificateUrl))
      return refuseHost(response, config);
    if (route.methods !== undefined && !route.methods.includes(request.method ?? ''))
      return refuse(response, 'method_not_allowed', `Use ${route.methods.join(' or ')}.`, { allow: route.methods.join(', ') });
    return route.handle(request, response, match);
  }
  return refuse(response, 'not_found', 'Nothing is served here. MCP servers are at /mcp/<server>.');
}

function refuse(response: Answer, reason: Reason, message: string, headers: Record<string, string> = {}): void {
  const body = errorResponse('null', LADDER[reason].code, message, { reason });
  response.writeHead(LADDER[reason].http, { ...headers, 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

const DOOR_METHODS: Readonly<Record<SseDoor, readonly string[]>> = { sse: ['GET', 'OPTIONS'], messages: ['POST', 'OPTIONS'] };

/** The doors of the server that joins all, where no server has the name of one. */
function atRoot({ catalog, mcp }: RouterOptions, request: ClientRequest, response: Answer, door: SseDoor): Promise<void> | void {
  const servers = catalog()?.servers;
  if (servers?.has('sse') === true || servers?.has('messages') === true) return mcp.serve(request, response, door);
  const methods = DOOR_METHODS[door];
  if (methods.includes(request.method ?? '')) return mcp.serve(request, response, '', door);
  return refuse(response, 'method_not_allowed', `Use ${methods.join(' or ')}.`, { allow: methods.join(', ') });
}

/** RFC 9728 §3: one document for each server. */
function resourceMetadata({ catalog, config }: RouterOptions, response: ServerResponse, slug: string | undefined): void {
  const current = catalog();
  const server = current?.servers.get(slug ?? '');
  if (current === undefined || server === undefined)
    return refuse(response, 'server_unknown', 'There is no server of this name.');
  const document = protectedResourceMetadata({
    publicUrl: current.publicUrl,
    scopes: server.scopes,
    requireDpop: server.requireDpop,
    takesCertificates: config.tls?.clientCertificates !== undefined || config.certificateProxies !== undefined,
    ...(slug !== undefined && { slug }),
  });
  response.setHeader('access-control-allow-origin', '*');
  json(response, 200, JSON.stringify(document));
}

async function ready({ readiness }: RouterOptions, response: ServerResponse): Promise<void> {
  const dependencies = await readiness();
  const ok = Object.values(dependencies).every((state) => state === 'ok');
  json(response, ok ? 200 : 503, JSON.stringify({ ready: ok, dependencies }));
}

function welcome({ publicUrl }: EdgeProxyConfig, response: ServerResponse): void {
  const lines = [
    'Switchyard is running.',
    '',
    `MCP servers   ${publicUrl}/mcp/<server>`,
    `API           ${publicUrl}/api/openapi.json`,
    `Health        ${publicUrl}/ready`,
    '',
  ];
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(lines.join('\n'));
}

function json(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
    })
    .end(text);
}
