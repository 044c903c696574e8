import type { Logger } from '@switchyard/telemetry';
import { errors, Provider, type KoaContextWithOIDC } from 'oidc-provider';
import { ClientDocumentRefused } from '../clients/client-refusals.js';
import { clientRegistered, rejected, tokenIssued } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import type { EventSink } from '../events/event-sink.js';
import { recordExchange } from '../events/record-exchange.js';
import { keepTypedCode } from '../device/device-flow.js';
import { registerExtensionGrants } from '../grants/extension-grants.js';
import { callbackRoute } from '../federation/callback-route.js';
import { logoutRoute } from '../federation/logout-route.js';
import { keepUsedClients } from './keep-used-clients.js';
import { FormOrigin } from '../interaction/form-origin.js';
import { interactionRoutes } from '../interaction/interaction-routes.js';
import { InteractionSteps } from '../interaction/interaction-steps.js';
import { accessTokenRevocation } from '../revocation/access-token-revocation.js';
import { providerConfiguration, type ProviderParts } from './provider-configuration.js';
import { rememberSessions } from '../people/remember-sessions.js';
import { RefreshReplay } from './refresh-replay.js';
import { registrationLimits, sayWhenFirstRegistered } from './registration-limits.js';
import { refuseSecretsInQuery } from './secrets-in-query.js';
import { detectReplays } from './replay-detection.js';

/** Builds the authorization server: oidc-provider, our steps around it, and what is recorded of it. */
export function createProvider(parts: ProviderParts & { readonly audit: EventSink; readonly log: Logger }): Provider {
  const {
    publicUrl,
    cookieSecret,
    accounts,
    consents,
    federation,
    servers,
    clients,
    adapters,
    people,
    sessions,
    tokens,
    audit,
    log,
  } = parts;
  const provider = new Provider(publicUrl, providerConfiguration(parts));
  // Requests are pinned to the public URL before they come here, so their forwarding headers are ours.
  provider.proxy = true;
  detectReplays(provider, adapters.store);
  registerExtensionGrants(provider, parts);
  const forms = new FormOrigin(cookieSecret, publicUrl);
  const steps = new InteractionSteps({
    provider,
    accounts,
    consents,
    people,
    servers,
    forms,
    ...(federation === undefined ? {} : { federation }),
  });
  const replay = new RefreshReplay(adapters, parts.certificates);
  const use = (step: Step) => provider.use(step as Parameters<Provider['use']>[0]);
  use(recordExchange(audit, log));
  use(refuseSecretsInQuery(publicUrl));
  use(registrationLimits(adapters.clock, publicUrl));
  if (federation !== undefined) {
    use(callbackRoute({ federation, issuer: publicUrl }));
    use(logoutRoute({ logout: federation.logout, issuer: publicUrl }));
  }
  use(keepTypedCode);
  use(interactionRoutes({ provider, issuer: publicUrl, steps, forms }));
  use(rememberSessions(sessions));
  use((ctx, next) => replay.around(ctx, next));
  use(accessTokenRevocation({ register: adapters.register, tokens, issuer: publicUrl }));
  use(clients.failed.count());
  use(keepUsedClients(clients.registered));
  use(sayWhenFirstRegistered(clients.registered));
  follow(provider, parts);
  return provider;
}

type Step = (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>;

/** Turns what the library tells of into the events of the exchange. */
function follow(provider: Provider, { publicUrl, log }: ProviderParts & { readonly log: Logger }): void {
  provider.on('grant.success', (ctx) => {
    exchangeOf(ctx).events.push(tokenIssued(ctx, publicUrl));
  });
  provider.on('registration_create.success', (ctx) => {
    exchangeOf(ctx).events.push(clientRegistered(ctx));
  });
  const emitter: NodeJS.EventEmitter = provider;
  const refused = (ctx: KoaContextWithOIDC, error: Error) => {
    const { because } = exchangeOf(ctx);
    const document = error instanceof ClientDocumentRefused ? { document: error.why } : {};
    const why = { ...document, ...(because === undefined ? {} : { because }) };
    exchangeOf(ctx).refusal = rejected(ctx, publicUrl, error.message, why);
  };
  provider.on('grant.error', (ctx, error) => {
    // A device is to ask until somebody has approved it (RFC 8628 §3.5).
    if (!(error instanceof errors.AuthorizationPending)) refused(ctx, error);
  });
  provider.on('registration_create.error', refused);
  provider.on('registration_read.error', refused);
  provider.on('authorization.error', refused);
  provider.on('pushed_authorization_request.error', refused);
  provider.on('device_authorization.error', refused);
  for (const page of ['code_verification.error', 'device_resume.error']) emitter.on(page, refused);
  provider.on('revocation.error', refused);
  provider.on('server_error', (ctx, error) => {
    exchangeOf(ctx).fault = error;
  });
  // Koa would print it: an answer that could not be written, for example because the client went away.
  emitter.on('error', (error: unknown) => log.warn('an answer of the authorization server failed', { error }));
}
