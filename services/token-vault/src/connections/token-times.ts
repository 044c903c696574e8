import type { Tokens } from '../upstream-oauth/tokens.js';
import type { OAuthConnection } from './connection.js';

/** Part of its life after which a token is renewed while it still works, and how much earlier or later that may be. */
const EARLY = 0.8;
const JITTER = 0.1;
/** A token that ends within this time may end on its way. */
const MARGIN_MS = 5_000;

/** A connection with new tokens in it. A server that gives no new refresh token means the old one (RFC 6749 §6). */
export function withTokens(connection: OAuthConnection, tokens: Tokens, nowMs: number): OAuthConnection {
  const { expiresAtMs: _ends, refreshAtMs: _renew, ...kept } = connection;
  const { accessToken, lifetimeMs, scopes, subject } = tokens;
  const refreshToken = tokens.refreshToken ?? connection.refreshToken;
  const account = connection.account ?? subject;
  const spread = 1 + JITTER * (2 * Math.random() - 1);
  return {
    ...kept,
    ...{ state: 'connected', accessToken, scopes: [...scopes], obtainedAtMs: nowMs },
    ...(refreshToken !== undefined && { refreshToken }),
    ...(account !== undefined && { account }),
    ...(lifetimeMs !== undefined && {
      expiresAtMs: nowMs + lifetimeMs,
      refreshAtMs: nowMs + Math.floor(lifetimeMs * EARLY * spread),
    }),
  };
}

/** What is to be done with a token before it is used. */
export function ageOf({ expiresAtMs, refreshAtMs, refreshToken }: OAuthConnection, nowMs: number): 'fresh' | 'due' | 'expired' {
  if (expiresAtMs !== undefined && expiresAtMs - MARGIN_MS <= nowMs) return 'expired';
  return refreshAtMs !== undefined && refreshAtMs <= nowMs && refreshToken !== undefined ? 'due' : 'fresh';
}
