import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { CompanyAssertions } from '../federation/company-assertions.js';
import { LIFETIMES } from '../lifetimes.js';
import type { PeopleRegister } from '../people/people-register.js';
import type { KnownServers } from '../provider/known-servers.js';
import type { ClientCertificates } from '../provider/client-certificates.js';
import { provedKey, type Dpop } from '../provider/dpop.js';
import { readResource } from '../provider/resources.js';
import type { ServiceClients } from '../provider/service-clients.js';
import { grantRefusal } from './grant-refusal.js';
import { issueAccessToken, requireAuthenticatedClient } from './issue-access-token.js';

/** Grant type of RFC 7523. */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** What the metadata says besides the grant type (draft-ietf-oauth-identity-assertion-authz-grant-04 §7.2). */
export const ID_JAG_METADATA = { authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'] };

interface IdJagParts {
  readonly assertions: CompanyAssertions;
  readonly publicUrl: string;
  readonly tenant: string;
  readonly servers: KnownServers;
  readonly services: ServiceClients;
  readonly people: Pick<PeopleRegister, 'isDisabled'>;
  readonly dpop: Dpop;
  readonly certificates?: ClientCertificates;
  readonly clock: { now(): number };
}

/**
 * Enterprise-managed authorization (MCP extension of this name): the company's identity provider has decided that a person may use
 * a server through a client, and says so in an ID-JAG, which is exchanged for a token here without asking the person.
 */
export function registerIdJagGrant(provider: Provider, o: IdJagParts): void {
  provider.registerGrantType<{ assertion?: string }>(
    JWT_BEARER,
    async (ctx) => {
      requireAuthenticatedClient(ctx);
      ctx.body = await redeem(ctx, o);
    },
    ['assertion', 'scope', 'resource'],
    ['resource'],
  );
}

async function redeem(ctx: TokenEndpointGrantContext<{ assertion?: string }>, o: IdJagParts): Promise<unknown> {
  const { client, provider, params } = ctx.oidc;
  const refuse = (because: string) => grantRefusal(ctx, 'invalid_grant', `the assertion is refused: ${because}`);
  if (!params.assertion) throw grantRefusal(ctx, 'invalid_request', 'the parameter assertion is missing');
  const boundTo = await provedKey(ctx, o);
  const certificate = o.certificates?.boundTo(ctx, false);
  const asserted = await o.assertions.readIdJag(params.assertion);
  if ('error' in asserted) throw grantRefusal(ctx, asserted.error, `the assertion is refused: ${asserted.because}`);
  const { person, claims } = asserted;
  if (claims['client_id'] !== client.clientId) throw refuse('it is for another client');
  // Absent where the provider knows of one tenant only (§6 of the draft).
  if (claims['aud_tenant'] !== undefined && claims['aud_tenant'] !== o.tenant) throw refuse('it is for another tenant');
  const resource = assertedResource(claims['resource'], params.resource, o);
  if (resource === undefined) throw refuse('it is not for the server that is asked for, or for none that is here');
  // As when they sign in: whoever is kept out here is, whatever their company says.
  if (await o.people.isDisabled(person.subject)) throw refuse('the person is kept out');
  if (!(await o.assertions.spend(asserted))) throw refuse('it was used before');
  const { scope } = claims;
  // A grant of its own, so that it can be revoked alone; there is no refresh token that could outlive it.
  const expiresIn = LIFETIMES.accessTokenMs / 1000;
  const facts = { accountId: person.subject, clientId: client.clientId, expiresIn };
  const grant = new provider.Grant(facts);
  const grantId = await grant.save();
  const notAfter = Math.floor(o.clock.now() / 1000) + expiresIn;
  const scopes = typeof scope === 'string' ? { scopes: scope.split(' ') } : {};
  return issueAccessToken(
    ctx,
    { person, resource, boundTo, certificate, grantId, grantedAt: claims.iat, notAfter, ...scopes },
    o,
  );
}

/** The one server that an assertion is for; the request may name it again, and no other. */
function assertedResource(claim: unknown, asked: string | string[] | undefined, o: IdJagParts): string | undefined {
  const [named, ...more] = [claim].flat();
  const resource = typeof named === 'string' && more.length === 0 ? readResource(named, o.publicUrl) : undefined;
  if (resource === undefined || (resource.slug !== undefined && !o.servers.has(resource.slug))) return undefined;
  const agrees = [asked ?? []].flat().every((text) => readResource(text, o.publicUrl)?.url === resource.url);
  return agrees ? resource.url : undefined;
}
