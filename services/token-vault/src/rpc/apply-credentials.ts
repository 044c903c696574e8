import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { SpoolFull } from '@switchyard/audit';
import {
  ApplyCredentialsRequestSchema,
  ApplyCredentialsResponseSchema,
  rpcSubject,
  VaultService,
  type ApplyCredentialsRequest,
  type CredentialTemplate,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { recordChanges } from '../credential-events.js';
import type { CredentialParts } from '../credential.js';
import type { AppliedTemplates } from '../credentials.js';
import { TenantKeyDestroyed } from '../keyring/keyring.js';
import { VaultContext } from '../vault-context.js';

function partsOf({ headers, env, kind, settings, teams }: CredentialTemplate): CredentialParts {
  const own = teams.map(({ team, settings: given }) => {
    const { name = '', emails = [], claims = [], services = [] } = team ?? {};
    return [name, { emails, claims, services, settings: given }] as const;
  });
  return { headers, env, kind, settings, teams: Object.fromEntries(own) };
}

/** Makes the stored credentials of the configuration equal to what the configuration references. */
@Controller()
export class ApplyCredentialsHandler {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @MessagePattern(rpcSubject(VaultService.method.applyCredentials))
  async handle(@Payload(messagePipe(ApplyCredentialsRequestSchema)) request: ApplyCredentialsRequest): Promise<unknown> {
    const { tenant, audit, log } = this.#vault;
    if (request.tenant !== tenant) throw new Error('this vault serves another tenant');
    // A change that could not be recorded is not made; the caller tries again.
    if (!audit.accepting()) throw new SpoolFull('credentials are not changed while the audit trail takes no events');
    const templates = new Map(request.credentials.map((template) => [template.upstream, partsOf(template)]));
    const { versions, changes, problems } = await this.#apply(templates);
    await recordChanges(audit, changes);
    log.info('credentials were applied', { count: changes.length, outcome: problems.length === 0 ? 'ok' : 'unresolved' });
    return encodeMessage(ApplyCredentialsResponseSchema, { versions, problems: [...problems] });
  }

  // An outage of the key service is thrown on: the caller tries again. That the keys are gone is an answer.
  async #apply(templates: ReadonlyMap<string, CredentialParts>): Promise<AppliedTemplates> {
    try {
      return await this.#vault.credentials.apply(templates);
    } catch (error) {
      if (!(error instanceof TenantKeyDestroyed)) throw error;
      const message = "cannot be stored: this tenant's keys were destroyed, and it can have no credentials any more.";
      return { versions: {}, changes: [], problems: [...templates.keys()].map((upstream) => ({ upstream, message })) };
    }
  }
}
