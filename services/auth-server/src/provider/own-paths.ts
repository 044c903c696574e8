const OWN_PATH = /^\/(oauth\/|\.well-known\/(oauth-authorization-server|openid-configuration)$)/i;

const SERVER_PATH = String.raw`/mcp(?:/[a-z0-9-]{1,63}(?:/(?:sse|messages))?)?`;

/** Other addresses of what is here, and what clients mean by them. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  // MCP 2025-03-26, "Authorization Server Metadata Discovery": where clients that find no metadata look at the origin of the MCP server.
  [/^\/(authorize|token|register)$/, '/oauth/$1'],
  // RFC 8414 §3.1 and its OpenID form, by clients that take an MCP server for its own authorization server.
  [new RegExp(`^/\\.well-known/(oauth-authorization-server|openid-configuration)${SERVER_PATH}$`), '/.well-known/$1'],
  // OpenID Connect Discovery §4, by the same clients.
  [new RegExp(`^${SERVER_PATH}/\\.well-known/(oauth-authorization-server|openid-configuration)$`), '/.well-known/$1'],
];

/**
 * What the authorization server is asked for, by the one path that it has there.
 * @param target of the request, as it was sent
 * @returns undefined where it is not for the authorization server
 */
export function ownTarget(target: string): string | undefined {
  const queryAt = target.indexOf('?');
  const [path, query] = queryAt < 0 ? [target, ''] : [target.slice(0, queryAt), target.slice(queryAt)];
  if (OWN_PATH.test(path)) return target;
  const alias = ALIASES.find(([pattern]) => pattern.test(path));
  return alias && path.replace(...alias) + query;
}
