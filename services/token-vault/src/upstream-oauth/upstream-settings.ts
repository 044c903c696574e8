import { z } from 'zod';
import { scopesOf } from './challenge.js';

/** How the token endpoint is shown that it is the gateway that asks (RFC 6749 §2.3). */
export const TOKEN_AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post'] as const;
export type TokenAuthMethod = (typeof TOKEN_AUTH_METHODS)[number];

const optional = z.string().optional();

/** Settings of an upstream of kind `oauth`, as the configuration's template carries them. */
export const upstreamSettings = z
  .object({
    /** The upstream's MCP endpoint. */
    url: z.string(),
    client_id: optional,
    client_secret: optional,
    /** Authorization server that `client_id` is registered with. */
    issuer: optional,
    /** Instead of what the upstream says. */
    scopes: optional,
    /** Parameters of every authorization request, as a query. */
    authorize_parameters: optional,
    token_auth_method: z.enum(TOKEN_AUTH_METHODS).optional(),
    /** Whether tokens are bound to a key; unless told, where the upstream asks for it. */
    dpop: z.enum(['required', 'never']).optional(),
  })
  .transform((settings) => ({
    url: settings.url,
    ...(settings.client_id && { clientId: settings.client_id }),
    ...(settings.client_secret && { clientSecret: settings.client_secret }),
    ...(settings.issuer && { issuer: settings.issuer }),
    ...(settings.scopes !== undefined && { scopes: scopesOf(settings.scopes) }),
    ...(settings.token_auth_method && { tokenAuthMethod: settings.token_auth_method }),
    ...(settings.dpop && { dpop: settings.dpop }),
    authorizeParameters: Object.fromEntries(new URLSearchParams(settings.authorize_parameters)),
  }));

export type UpstreamSettings = z.output<typeof upstreamSettings>;
