import type { ClientRequest } from './answer.js';

/** The header fields that an MCP endpoint reads, once. A field that stands twice has its values joined by ", ", so that no check sees half of it. */
export interface RequestHead {
  /** Where what only few need is looked up; absent where another edge has read the request. */
  readonly request: ClientRequest | undefined;
  readonly method: string;
  /** As it was sent. */
  readonly target: string;
  authorization: string | undefined;
  /** What shows that the caller has the key of its token (RFC 9449 §4.1). */
  readonly proof: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: number | undefined;
  readonly accept: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly sessionId: string | undefined;
  readonly lastEventId: string | undefined;
  readonly mcpMethod: string | undefined;
  readonly mcpName: string | undefined;
  readonly paramHeaders: Readonly<Record<string, string>>;
}

const PARAM_PREFIX = 'mcp-param-';

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

const NONE: Readonly<Record<string, string>> = {};

function paramHeaders({ rawHeaders, headers }: ClientRequest): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index]!;
    if (raw.length <= PARAM_PREFIX.length || (raw[0] !== 'M' && raw[0] !== 'm')) continue;
    const name = raw.toLowerCase();
    if (name.startsWith(PARAM_PREFIX)) (found ??= {})[name] = text(headers[name])!;
  }
  return found ?? NONE;
}

/** Reads the header fields. */
export function readHead(request: ClientRequest): RequestHead {
  const { headers } = request;
  return {
    request,
    method: request.method ?? '',
    target: request.url ?? '',
    authorization: headers.authorization,
    proof: text(headers['dpop']),
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    contentLength: headers['content-length'] === undefined ? undefined : Number(headers['content-length']),
    accept: headers.accept,
    protocolVersion: text(headers['mcp-protocol-version']),
    sessionId: text(headers['mcp-session-id']),
    lastEventId: text(headers['last-event-id']),
    mcpMethod: text(headers['mcp-method']),
    mcpName: text(headers['mcp-name']),
    paramHeaders: paramHeaders(request),
  };
}

/** Lets go of what a request carried: while its stream stands, a kilobyte and a token that nobody needs any more. */
export function dropHead(request: ClientRequest, head: RequestHead): void {
  request.rawHeaders = [];
  request.headers = {};
  head.authorization = undefined;
}
