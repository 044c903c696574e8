import { claimedAudience, MCP_SCOPE, type VerifiedToken } from '@switchyard/oauth';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { SignedInAccount } from '../provider/accounts.js';
import { LIFETIMES } from '../lifetimes.js';
import { provedKey } from '../provider/dpop.js';
import { findPerson } from '../provider/find-person.js';
import type { ProviderParts } from '../provider/provider-configuration.js';
import { readResource } from '../provider/resources.js';
import { grantRefusal, type GrantError } from './grant-refusal.js';
import { issueAccessToken, requireAuthenticatedClient } from './issue-access-token.js';

/** Grant type of RFC 8693. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const TYPE = 'urn:ietf:params:oauth:token-type:';
const ACCESS_TOKEN = `${TYPE}access_token`;
const PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'actor_token',
  'audience',
  'scope',
  'resource',
];

interface Parameters {
  subject_token?: string;
  subject_token_type?: string;
  requested_token_type?: string;
  actor_token?: string;
  audience?: string;
}

type Context = TokenEndpointGrantContext<Parameters>;

/** For whom a token is to be, and what bounds it. */
interface Subject {
  readonly person: SignedInAccount;
  readonly scopes: readonly string[];
  /** Absent: it gets one of its own. */
  readonly grantId?: string;
  readonly grantedAt: number;
  /** Certificate that the token is bound to which is exchanged: the new one is too. */
  readonly certificate?: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
}

export type ExchangeParts = Pick<
  ProviderParts,
  | 'publicUrl'
  | 'servers'
  | 'adapters'
  | 'accounts'
  | 'people'
  | 'federation'
  | 'services'
  | 'dpop'
  | 'certificates'
  | 'tokens'
  | 'exchangeClients'
>;

/**
 * Token exchange (RFC 8693): a client that the configuration names gives a token of a person and gets one for another server that the
 * person may use: no later end, no more scopes, no more teams, and at most one actor, the client.
 */
export function registerTokenExchangeGrant(provider: Provider, o: ExchangeParts): void {
  provider.registerGrantType<Parameters>(
    TOKEN_EXCHANGE,
    async (ctx) => {
      requireAuthenticatedClient(ctx);
      if (!o.exchangeClients.includes(ctx.oidc.client.clientId))
        throw grantRefusal(ctx, 'unauthorized_client', 'the configuration does not let this client exchange tokens');
      requireKnownRequest(ctx);
      const resource = targetOf(ctx, o);
      const boundTo = await provedKey(ctx, o);
      const subject = await SUBJECTS[ctx.oidc.params.subject_token_type ?? '']?.(ctx, o, boundTo);
      if (subject === undefined)
        throw grantRefusal(ctx, 'invalid_request', 'the subject_token_type is not one that is taken here');
      if (!o.servers.mayUse(resource.slug, subject.person))
        throw grantRefusal(ctx, 'invalid_target', 'the person may not use this server');
      const certificate = o.certificates?.boundTo(ctx, subject.certificate !== undefined);
      const grantId = subject.grantId ?? (await newGrant(ctx, subject.person));
      const body = await issueAccessToken(
        ctx,
        { ...subject, grantId, boundTo, certificate, resource: resource.url },
        { ...o, clock: o.adapters.clock },
      );
      ctx.body = { ...body, issued_token_type: ACCESS_TOKEN };
    },
    PARAMETERS,
    ['resource', 'audience'],
  );
}

const REQUESTED = new Set([undefined, ACCESS_TOKEN, `${TYPE}jwt`]);

function requireKnownRequest(ctx: Context): void {
  const { subject_token: token, requested_token_type: requested, actor_token: actor } = ctx.oidc.params;
  if (!token) throw grantRefusal(ctx, 'invalid_request', 'the parameter subject_token is missing');
  if (!REQUESTED.has(requested)) throw grantRefusal(ctx, 'invalid_request', 'only access tokens are issued here');
  if (actor !== undefined) throw grantRefusal(ctx, 'invalid_request', 'the actor is the client: actor_token is not taken');
}

/** The one server that a token is asked for. The gateway as a whole is none: it would open every server. */
function targetOf(ctx: Context, o: ExchangeParts): { readonly slug: string; readonly url: string } {
  const named = [ctx.oidc.params.resource ?? [], ctx.oidc.params.audience ?? []].flat();
  const urls = new Set(named.map((text) => readResource(text, o.publicUrl)?.url ?? ''));
  const [first = ''] = urls;
  const { slug, url } = readResource(first, o.publicUrl) ?? {};
  if (urls.size !== 1 || slug === undefined || url === undefined || !o.servers.has(slug))
    throw grantRefusal(ctx, 'invalid_target', 'name one server that is here as resource');
  return { slug, url };
}

type ReadSubject = (ctx: Context, o: ExchangeParts, boundTo: string | undefined) => Promise<Subject>;

const SUBJECTS: Readonly<Record<string, ReadSubject>> = {
  [ACCESS_TOKEN]: subjectOfAccessToken,
  [`${TYPE}jwt`]: subjectOfAccessToken,
  [`${TYPE}id_token`]: subjectOfIdToken,
};

const refused = (ctx: Context, because: string, error: GrantError = 'invalid_grant') =>
  grantRefusal(ctx, error, `the subject token is refused: ${because}`);

/** Who a token of ours is about, as they were when it was issued. */
async function subjectOfAccessToken(ctx: Context, o: ExchangeParts, boundTo: string | undefined): Promise<Subject> {
  const token = ctx.oidc.params.subject_token ?? '';
  const audience = readResource(claimedAudience(token) ?? '', o.publicUrl)?.url;
  if (audience === undefined) throw refused(ctx, 'it is for none of the servers here');
  const verified = await o.tokens.verify(token, audience);
  if (!verified.ok) throw refused(ctx, verified.message);
  if (verified.principal.kind !== 'user') throw refused(ctx, 'it is not about a person');
  // Else whoever stole it could have one that is not bound.
  if (verified.boundTo !== undefined && verified.boundTo !== boundTo) throw refused(ctx, 'it is bound to another key');
  if (verified.certificate !== undefined && verified.certificate !== o.certificates?.thumbprintOf(ctx))
    throw refused(ctx, 'it is bound to another certificate');
  // RFC 8693 §4.1 allows longer chains, which nobody could oversee.
  if (verified.actor !== undefined) throw refused(ctx, 'it was exchanged before');
  const { principal, grantId, grantedAtMs, scopes, expiresAtMs, certificate } = verified;
  // Without skew: what is issued would end before it is used.
  if (expiresAtMs <= o.adapters.clock.now()) throw refused(ctx, 'it has expired');
  if (await isOver(verified, o)) throw refused(ctx, 'what it was issued under has ended');
  const account = await findPerson(ctx, principal.subject, o);
  if (account === undefined) throw refused(ctx, 'the person is not known here any more');
  const { email, claims } = principal;
  const person = { ...account, claims, ...(email === undefined ? {} : { email }) };
  const bound = certificate === undefined ? {} : { certificate };
  return { person, scopes, grantId, grantedAt: grantedAtMs / 1000, notAfter: Math.floor(expiresAtMs / 1000), ...bound };
}

async function isOver(token: VerifiedToken, { adapters }: ExchangeParts): Promise<boolean> {
  const { revocations, register, ended } = adapters;
  const { grantId, tokenId, principal, grantedAtMs } = token;
  return (
    (await revocations.isRevoked(grantId)) ||
    (await register.has('token', tokenId)) ||
    (await ended.hasEnded(principal.subject, grantedAtMs / 1000))
  );
}

/** Who an ID token of the company is about, which was issued to a client that the configuration names. */
async function subjectOfIdToken(ctx: Context, o: ExchangeParts): Promise<Subject> {
  const asserted = await o.federation?.assertions.readIdToken(ctx.oidc.params.subject_token ?? '');
  if (asserted === undefined) throw refused(ctx, 'it is not from an identity provider whose ID tokens are taken here');
  if ('error' in asserted) throw refused(ctx, asserted.because, asserted.error);
  if (await o.people.isDisabled(asserted.person.subject)) throw refused(ctx, 'the person is kept out');
  return { person: asserted.person, scopes: [MCP_SCOPE], grantedAt: asserted.claims.iat, notAfter: asserted.claims.exp };
}

async function newGrant(ctx: Context, person: SignedInAccount): Promise<string> {
  const expiresIn = LIFETIMES.accessTokenMs / 1000;
  const facts = { accountId: person.subject, clientId: ctx.oidc.client.clientId, expiresIn };
  return new ctx.oidc.provider.Grant(facts).save();
}
