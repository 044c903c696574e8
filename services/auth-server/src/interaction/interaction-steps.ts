import { describeRedirect } from '@switchyard/oauth';
import { z } from 'zod';
import { isDocumentId } from '../clients/document-id.js';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Federation } from '../federation/federation.js';
import { showRefusal } from '../federation/callback-route.js';
import { signedIn } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import { rejected } from '../events/auth-events.js';
import type { PeopleRegister } from '../people/people-register.js';
import { sendProblemPage } from '../pages/error-page.js';
import { companyPage } from '../pages/company-page.js';
import { consentPage } from '../pages/consent-page.js';
import { sendPage } from '../pages/page.js';
import { signInPage } from '../pages/sign-in-page.js';
import type { Accounts, SignedInAccount } from '../provider/accounts.js';
import { grantFor } from '../provider/existing-grant.js';
import type { KnownServers } from '../provider/known-servers.js';
import type { Consent, RememberedConsents } from '../provider/remembered-consents.js';
import { readResource } from '../provider/resources.js';
import type { FormOrigin } from './form-origin.js';
import { formTargets } from './form-targets.js';
import { interactionPath } from './interaction-path.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Client = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

const emailSchema = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** What the pages between an authorization request and its answer show, and what they do. */
export class InteractionSteps {
  readonly #o: StepsOptions;

  constructor(o: StepsOptions) {
    this.#o = o;
  }

  /** Shows the page that is due. */
  async show(ctx: KoaContextWithOIDC, interaction: Interaction): Promise<void> {
    const client = await this.#clientOf(interaction);
    const arrived = await this.#o.federation?.takeResult(interaction.uid);
    if (arrived !== undefined) return this.#signedIn(ctx, client, arrived);
    const changesAccount = ctx.query['account'] === 'other';
    if (interaction.prompt.name === 'login' || changesAccount) return this.#showSignIn(ctx, interaction, client);
    const account = await this.#o.accounts.find(interaction.session?.accountId ?? '');
    if (account === undefined) return this.#showSignIn(ctx, interaction, client);
    sendPage(
      ctx,
      consentPage({ person: account.name, ...this.#consentFacts(interaction, client), ...this.#formOf(interaction, client) }),
    );
  }

  /** Does what a posted form says. */
  async take(ctx: KoaContextWithOIDC, interaction: Interaction, form: URLSearchParams): Promise<void> {
    switch (form.get('do')) {
      case 'sign-in':
        return this.#signIn(ctx, interaction, form.get('email') ?? '');
      case 'company':
        return this.#sendToCompany(ctx, interaction, form);
      case 'approve':
        return this.#approve(ctx, interaction);
      default:
        return this.#deny(ctx, interaction);
    }
  }

  async #signIn(ctx: KoaContextWithOIDC, interaction: Interaction, typed: string): Promise<void> {
    const client = await this.#clientOf(interaction);
    if (this.#o.federation !== undefined) return this.#showSignIn(ctx, interaction, client);
    const email = emailSchema.safeParse(typed);
    if (!email.success) {
      const error = 'Type a whole e-mail address, such as ana@example.com.';
      return this.#showSignIn(ctx, interaction, client, { email: typed.slice(0, 254), error });
    }
    await this.#signedIn(ctx, client, await this.#o.accounts.remember(email.data));
  }

  async #sendToCompany(ctx: KoaContextWithOIDC, interaction: Interaction, form: URLSearchParams): Promise<void> {
    const { federation } = this.#o;
    if (federation === undefined) return this.show(ctx, interaction);
    const maxAge = Number(interaction.params['max_age'] ?? Number.NaN);
    const target = await federation.begin(ctx, {
      provider: form.get('provider') ?? '',
      uid: interaction.uid,
      anew: form.get('anew') === 'yes',
      ...(Number.isInteger(maxAge) ? { maxAgeSeconds: maxAge } : {}),
    });
    if ('refused' in target) return showRefusal(ctx, federation, target, this.#o.provider.issuer);
    ctx.status = 303;
    ctx.redirect(target.href);
  }

  async #signedIn(ctx: KoaContextWithOIDC, client: Client, account: SignedInAccount): Promise<void> {
    if (await this.#o.people.isDisabled(account.subject)) return this.#keepOut(ctx, account);
    await this.#finish(ctx, { login: { accountId: account.subject } });
    exchangeOf(ctx).events.push(signedIn(ctx, this.#o.provider.issuer, account, client.clientId));
  }

  #keepOut(ctx: KoaContextWithOIDC, { name }: SignedInAccount): void {
    const text = `An administrator has switched off the access of ${name} to this gateway. Ask them if you think that this is a mistake.`;
    sendProblemPage(ctx, { status: 403, error: 'access_denied', title: 'You have no access here', text });
    exchangeOf(ctx).refusal = rejected(ctx, this.#o.provider.issuer, 'person_disabled');
  }

  /** One grant for one client at one resource. */
  async #approve(ctx: KoaContextWithOIDC, interaction: Interaction): Promise<void> {
    const accountId = interaction.session?.accountId;
    if (interaction.prompt.name !== 'consent' || accountId === undefined) return this.show(ctx, interaction);
    const consent = this.#consentOf(interaction, accountId);
    const grantId = await grantFor(this.#o.provider, consent).save();
    await this.#finish(ctx, { consent: { grantId } }, true);
    await this.#o.consents.remember(consent);
  }

  async #deny(ctx: KoaContextWithOIDC, interaction: Interaction): Promise<void> {
    const accountId = interaction.session?.accountId;
    if (accountId !== undefined) await this.#o.consents.forget(this.#consentOf(interaction, accountId));
    await this.#finish(ctx, { error: 'access_denied', error_description: 'the user did not approve' });
  }

  #consentOf({ params }: Interaction, accountId: string): Consent {
    const {
      client_id: clientId = '',
      redirect_uri: redirectUri = '',
      scope = '',
      resource = '',
    } = params as Record<string, string>;
    return { accountId, clientId, redirectUri, resource, scope };
  }

  #showSignIn(
    ctx: KoaContextWithOIDC,
    interaction: Interaction,
    client: Client,
    retry: { email?: string; error?: string } = {},
  ): void {
    const { federation } = this.#o;
    if (federation !== undefined) return this.#showCompanies(ctx, interaction, client, federation);
    sendPage(ctx, signInPage({ clientName: nameOf(client), ...this.#formOf(interaction, client), ...retry }));
  }

  #showCompanies(ctx: KoaContextWithOIDC, interaction: Interaction, client: Client, { providers }: Federation): void {
    const { kind, target } = describeRedirect(redirectUriOf(interaction, client));
    // Whoever is somebody else, or is asked to prove themselves, would be let through unseen by a provider that knows them still.
    const anew = ctx.query['account'] === 'other' || interaction.prompt.reasons.includes('login_prompt');
    const form = this.#formOf(interaction, client);
    // Every https address is a target anyway; these are for development on a loopback address.
    const insecure = providers.filter(({ issuer }) => issuer.startsWith('http:'));
    sendPage(
      ctx,
      companyPage({
        clientName: nameOf(client),
        destination: kind === 'web' ? target : kind === 'device' ? 'the device that showed you a code' : 'an app on this device',
        providers,
        anew,
        ...form,
        formTargets: [...form.formTargets, ...insecure.flatMap(({ issuer }) => formTargets(issuer))],
      }),
    );
  }

  #formOf(interaction: Interaction, client: Client) {
    const redirectUri = redirectUriOf(interaction, client);
    return {
      action: interactionPath(interaction.uid),
      csrf: this.#o.forms.token(interaction.uid),
      formTargets: formTargets(redirectUri),
    };
  }

  #consentFacts(interaction: Interaction, client: Client) {
    const { scope = '', resource = '' } = interaction.params as Record<string, string>;
    const { slug, isApi, url = resource } = readResource(resource, this.#o.provider.issuer) ?? {};
    return {
      clientName: nameOf(client),
      ...publisherOf(client),
      redirect: describeRedirect(redirectUriOf(interaction, client)),
      server: { url, ...(isApi ? { title: 'your sign-ins' } : slug === undefined ? {} : { title: this.#o.servers.title(slug) }) },
      scopes: scope.split(' '),
      guarded: scope.split(' ').flatMap((name) => this.#o.servers.guardTitle(name) ?? []),
      staysConnected: client.grantTypeAllowed('refresh_token'),
    };
  }

  async #clientOf(interaction: Interaction): Promise<Client> {
    const client = await this.#o.provider.Client.find(String(interaction.params['client_id']));
    if (client === undefined) throw new Error('the client of an interaction is gone');
    return client;
  }

  async #finish(ctx: KoaContextWithOIDC, result: Parameters<Provider['interactionResult']>[2], merge = false): Promise<void> {
    const target = await this.#o.provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: merge });
    ctx.status = 303;
    ctx.redirect(target);
  }
}

interface StepsOptions {
  readonly provider: Provider;
  readonly accounts: Accounts;
  readonly consents: RememberedConsents;
  readonly people: PeopleRegister;
  /** Absent: development sign-in. */
  readonly federation?: Federation;
  readonly servers: KnownServers;
  readonly forms: FormOrigin;
}

const nameOf = (client: Client) => client.clientName ?? 'An app without a name';

/** Whoever controls the host where a client is described says what it is. */
const publisherOf = ({ clientId }: Client) => (isDocumentId(clientId) ? { publisher: new URL(clientId).host } : {});

/** Empty where a device is told what came of it. */
const redirectUriOf = ({ deviceCode, params }: Interaction, client: Client) =>
  deviceCode === undefined ? String(params['redirect_uri'] ?? client.redirectUris?.[0] ?? '') : '';
