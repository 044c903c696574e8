import type { EventFields } from '@switchyard/contracts';
import type { VerifiedToken } from '@switchyard/oauth';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { TOKEN_EXCHANGE } from '../grants/token-exchange-grant.js';
import type { SignedInAccount } from '../provider/accounts.js';
import { readResource } from '../provider/resources.js';
import { serviceGrantId } from '../provider/service-clients.js';
import { exchangeOf } from './exchange.js';

type PartialEvent = Partial<EventFields>;

/** Somebody has what only its owner should have. */
const REUSED: PartialEvent = { reason: 'reuse_detected', severity: 'high' };

/** Somebody signed in. */
export function signedIn(ctx: KoaContextWithOIDC, issuer: string, account: SignedInAccount, clientId: string): EventFields {
  const { origin } = account;
  const detail = origin === undefined ? {} : { detail: { provider: origin.provider } };
  return { type: 'auth.signed_in', outcome: 'ok', ...request(ctx), ...person(issuer, account), client_id: clientId, ...detail };
}

/** Everything that somebody had here ended: sessions, codes and grants. @param reason what brought it about */
export function signedOut(
  ctx: KoaContextWithOIDC,
  issuer: string,
  account: SignedInAccount,
  reason: 'provider_refused' | 'backchannel_logout',
): EventFields {
  const detail = { provider: account.origin?.provider ?? '' };
  return { type: 'auth.signed_out', outcome: 'ok', ...request(ctx), ...person(issuer, account), reason, detail };
}

/** A client was given tokens. */
export function tokenIssued(ctx: KoaContextWithOIDC, issuer: string): EventFields {
  const { entities, params } = ctx.oidc;
  return {
    type: 'auth.token_issued',
    outcome: 'ok',
    ...request(ctx),
    ...client(ctx),
    ...who(ctx, issuer),
    ...serverOf((entities.AccessToken ?? entities.ClientCredentials)?.aud, issuer),
    ...actorOf(ctx),
    http_status: ctx.status,
    detail: { grant_type: String(params?.['grant_type'] ?? ''), grant: grantOf(ctx) },
  };
}

/** Who exchanged a person's token for one of its own acts for that person, as the token says (RFC 8693 §4.1). */
function actorOf({ oidc: { entities } }: KoaContextWithOIDC): PartialEvent {
  const token = entities.AccessToken;
  return token?.gty === TOKEN_EXCHANGE ? { on_behalf_of: token.clientId ?? '' } : {};
}

function grantOf({ oidc: { entities } }: KoaContextWithOIDC): string {
  const service = entities.ClientCredentials?.clientId;
  return service === undefined ? (entities.AccessToken?.grantId ?? '') : serviceGrantId(service);
}

/** A client was given tokens that it had been given before. @param first the event of that time */
export function tokenIssuedAgain(ctx: KoaContextWithOIDC, first: EventFields): EventFields {
  return { ...first, ...request(ctx), detail: { ...first.detail, replayed: 'true' } };
}

/** A client registered itself. */
export function clientRegistered(ctx: KoaContextWithOIDC): EventFields {
  return { type: 'auth.client_registered', outcome: 'ok', ...request(ctx), ...client(ctx), http_status: ctx.status };
}

/** Everything that was issued under a grant ended. */
export function grantRevoked(ctx: KoaContextWithOIDC, issuer: string, grantId: string): EventFields {
  const context = { ...request(ctx), ...client(ctx), ...who(ctx, issuer) };
  // Only the token endpoint revokes by itself: a code or refresh token came a second time (RFC 9700 §4.14.2).
  const why = ctx.oidc.route === 'token' ? REUSED : { reason: 'revoked_by_client' };
  return { type: 'auth.grant_revoked', outcome: 'ok', ...context, ...why, detail: { grant: grantId } };
}

/** One access token ended before its time. */
export function tokenRevoked(
  ctx: KoaContextWithOIDC,
  issuer: string,
  { principal, tokenId, grantId }: Pick<VerifiedToken, 'principal' | 'tokenId' | 'grantId'>,
): EventFields {
  const detail = { token: tokenId, grant: grantId };
  const context = { ...request(ctx), ...client(ctx), ...person(issuer, principal) };
  return { type: 'auth.token_revoked', outcome: 'ok', ...context, reason: 'revoked_by_client', detail };
}

/** A request was refused. @param reason OAuth error code @param why what it was about */
export function rejected(
  ctx: KoaContextWithOIDC,
  issuer: string,
  reason: string,
  why: Readonly<Record<string, string>> = {},
): EventFields {
  const endpoint = ctx.oidc?.route ?? 'interaction';
  const context = ctx.oidc === undefined ? {} : { ...client(ctx), ...who(ctx, issuer) };
  return {
    type: 'auth.rejected',
    outcome: 'denied',
    ...request(ctx),
    ...context,
    reason,
    detail: { endpoint, ...why },
  };
}

/** What was refused in the dealings with an identity provider. */
interface RefusedByCompany {
  readonly refused: string;
  readonly provider: string;
  /** OAuth error code of the provider, or what did not hold. */
  readonly code?: string;
}

/** What an identity provider said was not followed. */
export function companyRefused(
  ctx: KoaContextWithOIDC,
  issuer: string,
  { refused, provider, code }: RefusedByCompany,
): EventFields {
  const event = rejected(ctx, issuer, refused);
  return { ...event, detail: { ...event.detail, provider, ...(code === undefined ? {} : { code }) } };
}

function request(ctx: KoaContextWithOIDC): PartialEvent {
  const { requestId, traceId } = exchangeOf(ctx);
  return { request_id: requestId, trace_id: traceId };
}

function client(ctx: KoaContextWithOIDC): PartialEvent {
  const { Client } = ctx.oidc.entities;
  return Client === undefined ? {} : { client_id: Client.clientId, client_name: Client.clientName ?? '' };
}

function who(ctx: KoaContextWithOIDC, issuer: string): PartialEvent {
  const { Account, Session, ClientCredentials: service } = ctx.oidc.entities;
  if (service !== undefined)
    return {
      principal_issuer: issuer,
      principal_subject: service.clientId ?? '',
      principal_name: service.clientId ?? '',
      principal_kind: 'service',
    };
  const name = Account?.['name'];
  if (typeof name === 'string' && Account !== undefined) return person(issuer, { subject: Account.accountId, name });
  return Session?.accountId === undefined ? {} : { principal_issuer: issuer, principal_subject: Session.accountId };
}

function person(issuer: string, { subject, name }: Pick<SignedInAccount, 'subject' | 'name'>): PartialEvent {
  return { principal_issuer: issuer, principal_subject: subject, principal_name: name, principal_kind: 'user' };
}

function serverOf(audience: unknown, issuer: string): PartialEvent {
  const slug = typeof audience === 'string' ? readResource(audience, issuer)?.slug : undefined;
  return slug === undefined ? {} : { server: slug };
}
