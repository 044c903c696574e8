import type { KoaContextWithOIDC } from 'oidc-provider';

const PATH = '/oauth/register';
const BODY_LIMIT_BYTES = 16 * 1024;
const BURST = 60;
const REFILL_PER_SECOND = 1;

/**
 * What stands before open registration (RFC 7591 §5): small bodies, a rate per process, and answers that browser-based clients
 * may read. Registrations that nobody signs in with go after a day.
 */
export function registrationLimits(clock: { now(): number }) {
  let tokens = BURST;
  let filledAtMs = clock.now();
  const take = (): boolean => {
    const nowMs = clock.now();
    tokens = Math.min(BURST, tokens + ((nowMs - filledAtMs) / 1000) * REFILL_PER_SECOND);
    filledAtMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (ctx.path !== PATH) return next();
    ctx.set('access-control-allow-origin', '*');
    if (ctx.method === 'OPTIONS') return preflight(ctx);
    if (ctx.method !== 'POST') return next();
    if (!(Number(ctx.get('content-length')) <= BODY_LIMIT_BYTES))
      return refuse(ctx, 413, 'the registration is larger than 16 KiB');
    if (!take()) return refuse(ctx, 429, 'too many registrations at the moment');
    await next();
  };
}

function preflight(ctx: KoaContextWithOIDC): void {
  ctx.set({
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '3600',
  });
  ctx.status = 204;
}

function refuse(ctx: KoaContextWithOIDC, status: 413 | 429, description: string): void {
  ctx.status = status;
  if (status === 429) ctx.set('retry-after', '10');
  ctx.body = { error: 'invalid_client_metadata', error_description: description };
}
