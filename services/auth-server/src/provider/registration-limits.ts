import type { KoaContextWithOIDC } from 'oidc-provider';
import { REGISTRATION_LIMIT_BYTES, type RegisteredClients } from '../clients/registered-clients.js';
import { TokenBucket } from '../clients/token-bucket.js';
import { rejected } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';

const PATH = '/oauth/register';
const BURST = 60;
const PER_SECOND = 1;
const RETRY_AFTER_SECONDS = '10';

/**
 * What stands before open registration (RFC 7591 §5): small bodies, a rate per process, and answers that browser-based clients
 * may read. Registrations that nobody signs in with go after a day.
 */
export function registrationLimits(clock: { now(): number }, issuer: string) {
  const registrations = new TokenBucket({ burst: BURST, perSecond: PER_SECOND, clock });
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (ctx.path !== PATH) return next();
    ctx.set('access-control-allow-origin', '*');
    if (ctx.method === 'OPTIONS') return preflight(ctx);
    if (ctx.method !== 'POST') return next();
    if (!registrations.take()) return refuse(ctx, issuer, TOO_MANY);
    if (Number(ctx.get('content-length')) > REGISTRATION_LIMIT_BYTES) return refuse(ctx, issuer, TOO_LARGE);
    await next();
  };
}

/** Step around registration: a client that was there already is told when it first was (RFC 7591 §3.2.1). */
export function sayWhenFirstRegistered(clients: RegisteredClients) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    if (ctx.oidc?.route !== 'registration' || ctx.status !== 201) return;
    const answer = ctx.body as Record<string, unknown>;
    const first = await clients.find(String(answer['client_id']));
    if (first !== undefined) answer['client_id_issued_at'] = first['client_id_issued_at'];
  };
}

interface Limit {
  readonly status: number;
  readonly error: string;
  readonly text: string;
}

const TOO_MANY: Limit = { status: 429, error: 'temporarily_unavailable', text: 'too many registrations at the moment' };
const TOO_LARGE: Limit = { status: 400, error: 'invalid_client_metadata', text: 'the registration is larger than 16 KiB' };

function preflight(ctx: KoaContextWithOIDC): void {
  ctx.set({
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '3600',
  });
  ctx.status = 204;
}

function refuse(ctx: KoaContextWithOIDC, issuer: string, { status, error, text }: Limit): void {
  ctx.status = status;
  if (status === 429) ctx.set('retry-after', RETRY_AFTER_SECONDS);
  ctx.body = { error, error_description: text };
  exchangeOf(ctx).refusal = rejected(ctx, issuer, error, { endpoint: 'registration' });
}
