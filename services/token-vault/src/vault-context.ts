import type { Audit } from '@switchyard/audit';
import type { Clock } from '@switchyard/runtime';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import type { CallerKey } from './caller/caller-key.js';
import type { Credentials } from './credentials.js';
import type { Keyring } from './keyring/keyring.js';
import type { KeyUpkeep } from './keyring/key-upkeep.js';
import type { Reseal } from './keyring/reseal.js';
import type { LegalHolds } from './payloads/legal-holds.js';
import type { PayloadKeys } from './payloads/payload-keys.js';
import type { PersonalCredentials } from './personal-credentials.js';
import type { SecretStore } from './secret-store.js';
import type { ClaimsSigner } from './user-claims/claims-signer.js';

/** What the vault's handlers work with. */
export class VaultContext {
  readonly tenant: string;
  readonly credentials: Credentials;
  readonly secrets: SecretStore;
  readonly keyring: Keyring;
  readonly reseal: Reseal;
  readonly upkeep: KeyUpkeep;
  readonly callerKey: CallerKey;
  readonly personal: PersonalCredentials;
  readonly claims: ClaimsSigner;
  readonly payloads: PayloadKeys;
  readonly holds: LegalHolds;
  readonly audit: Pick<Audit, 'record' | 'accepting'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Leases asked for, by outcome and reason. */
  readonly leases: ReturnType<Telemetry['meter']['createCounter']>;

  constructor(o: Omit<VaultContext, 'leases'> & { readonly telemetry: Telemetry }) {
    this.tenant = o.tenant;
    this.credentials = o.credentials;
    this.secrets = o.secrets;
    this.keyring = o.keyring;
    this.reseal = o.reseal;
    this.upkeep = o.upkeep;
    this.callerKey = o.callerKey;
    this.personal = o.personal;
    this.claims = o.claims;
    this.payloads = o.payloads;
    this.holds = o.holds;
    this.audit = o.audit;
    this.clock = o.clock;
    this.log = o.log;
    this.leases = o.telemetry.meter.createCounter('switchyard_vault_leases', { description: 'Leases asked for, by outcome' });
  }
}
