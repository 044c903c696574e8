import { setTimeout as delay } from 'node:timers/promises';
import type { EventFields } from '@switchyard/contracts';
import { claimedThumbprint } from '@switchyard/oauth';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { tokenIssuedAgain } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import { LIFETIMES } from '../lifetimes.js';
import type { ClientCertificates } from './client-certificates.js';
import { isWithinGrace, KvAdapter, type AdapterContext } from '../store/kv-adapter.js';

const KIND = 'RefreshAnswer';
const POLL_MS = 20;

/** What a refresh asked for besides its token. */
interface RefreshRequest {
  readonly clientId: string;
  readonly resource: string;
  readonly scope: string;
  /** Thumbprint of the key or certificate that the new token is bound to; empty: to none. */
  readonly key: string;
}

/** The answer that the first use of a refresh token got, and the event that was recorded of it. */
interface RefreshAnswer extends RefreshRequest {
  readonly body: string;
  readonly event: EventFields;
}

/**
 * Refresh for clients that run as several processes: strict rotation would sign their users out. For ten seconds, a refresh token
 * that has been rotated is answered again with the very answer that it was first given, so there is only ever one child token.
 * Another client, resource, scope or key in that time, and any use after it, ends the grant (RFC 9700 §4.14.2).
 */
export class RefreshReplay {
  readonly #adapters: AdapterContext;
  readonly #tokens: KvAdapter;
  readonly #certificates: Pick<ClientCertificates, 'thumbprintOf'> | undefined;

  /** @param certificates absent where clients show none */
  constructor(adapters: AdapterContext, certificates: Pick<ClientCertificates, 'thumbprintOf'> | undefined) {
    this.#certificates = certificates;
    this.#adapters = adapters;
    this.#tokens = new KvAdapter('RefreshToken', adapters);
  }

  /** Step around the token endpoint: keeps the answers to refreshes, and gives them again. */
  async around(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
    await next();
    const token = ctx.oidc?.params?.['refresh_token'];
    if (ctx.oidc?.route !== 'token' || ctx.oidc.params?.['grant_type'] !== 'refresh_token' || typeof token !== 'string') return;
    if (ctx.status === 200) await this.#keep(ctx, token);
    else if (isInvalidGrant(ctx.body)) await this.#answerAgain(ctx, token);
  }

  async #keep(ctx: KoaContextWithOIDC, token: string): Promise<void> {
    const event = exchangeOf(ctx).events.find(({ type }) => type === 'auth.token_issued');
    const child = ctx.oidc.entities.RefreshToken;
    if (event === undefined || child === undefined) throw new Error('a refresh succeeded without a token or without an event');
    const answer: RefreshAnswer = {
      ...readRequest(ctx, child),
      key: boundOf(ctx.oidc.entities.AccessToken),
      body: JSON.stringify(ctx.body),
      event,
    };
    await this.#adapters.store.write(KIND, token, { ...answer }, LIFETIMES.refreshGraceMs);
    send(ctx, answer.body);
  }

  async #answerAgain(ctx: KoaContextWithOIDC, token: string): Promise<void> {
    const rotated = await this.#tokens.peek(token);
    if (rotated?.grantId === undefined || !isWithinGrace(rotated, this.#adapters.clock.now())) return;
    // The library has verified the proof before it looked for the token.
    const jkt = await claimedThumbprint(ctx.get('DPoP'));
    const isBound = ctx.oidc.client?.tlsClientCertificateBoundAccessTokens === true || rotated['x5t#S256'] !== undefined;
    const certificate = isBound ? this.#certificates?.thumbprintOf(ctx) : undefined;
    const key = boundOf({ jkt, 'x5t#S256': certificate });
    const request = { ...readRequest(ctx, rotated), key };
    if (request.clientId !== rotated.clientId) return this.#adapters.revocations.revoke(rotated.grantId, ctx);
    const answer = await this.#waitForAnswer(token);
    if (answer === undefined) return;
    if (!isSameRequest(request, answer)) return this.#adapters.revocations.revoke(rotated.grantId, ctx);
    ctx.status = 200;
    send(ctx, answer.body);
    const exchange = exchangeOf(ctx);
    delete exchange.refusal;
    exchange.events.push(tokenIssuedAgain(ctx, answer.event));
  }

  /** The first request may still be at work, on this replica or another. */
  async #waitForAnswer(token: string): Promise<RefreshAnswer | undefined> {
    const deadlineMs = performance.now() + LIFETIMES.refreshWaitMs;
    for (;;) {
      const found = await this.#adapters.store.find(KIND, token);
      if (found !== undefined) return found.record as unknown as RefreshAnswer;
      if (performance.now() >= deadlineMs) return undefined;
      await delay(POLL_MS);
    }
  }
}

/** What a refresh asks for; what it leaves out is what was granted. */
function readRequest(
  ctx: KoaContextWithOIDC,
  granted: { readonly resource?: unknown; readonly scope?: unknown },
): Omit<RefreshRequest, 'key'> {
  const { params, client } = ctx.oidc;
  return {
    clientId: client?.clientId ?? '',
    resource: String(params?.['resource'] ?? granted.resource ?? ''),
    scope: String(params?.['scope'] ?? granted.scope ?? ''),
  };
}

/** Key or certificate that a token is bound to; empty: to none. */
const boundOf = (token: { readonly jkt?: string | undefined; readonly 'x5t#S256'?: string | undefined } | undefined) =>
  token?.jkt ?? token?.['x5t#S256'] ?? '';

const isSameRequest = (a: RefreshRequest, b: RefreshRequest) =>
  a.clientId === b.clientId && a.resource === b.resource && a.scope === b.scope && a.key === b.key;

function send(ctx: KoaContextWithOIDC, body: string): void {
  ctx.body = body;
  ctx.type = 'application/json; charset=utf-8';
}

function isInvalidGrant(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body as { error?: unknown }).error === 'invalid_grant';
}
