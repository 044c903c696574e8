import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, SnapshotSchema, type AppClient } from '@switchyard/contracts';
import { holdsVaultReference } from '@switchyard/gateway-config';
import { judgeRedirectUri } from '@switchyard/oauth';
import { resolveReferences, type ReferenceSource } from '@switchyard/runtime';
import { WatchedMap, type State } from '@switchyard/state';
import type { AdapterPayload } from 'oidc-provider';
import type { IdentitySecrets } from '../federation/identity-secrets.js';
import { issuedMetadata, refuseCertificates, selfSignedMetadata } from './certificate-metadata.js';

const SNAPSHOT_KEY = 'current';
const LEAST_SECRET_CHARACTERS = 32;
const TOO_SHORT = 'its secret is shorter than 32 characters';

type Clients = ReadonlyMap<string, AdapterPayload>;

const NONE: Clients = new Map();

/** Told of an app of the configuration that cannot be used, and why; it is unknown until that is put right. */
export type OnUnusable = (clientId: string, message: string) => void;

interface ConfiguredClientsOptions {
  readonly services: Clients;
  readonly source: ReferenceSource;
  readonly onUnusable: OnUnusable;
  /** Secrets that the vault keeps. */
  readonly secrets: Pick<IdentitySecrets, 'valueOf'>;
}

/** Clients of the configuration: services as they were at the start, apps as they are in what edges serve from. */
export class ConfiguredClients {
  readonly #o: ConfiguredClientsOptions;
  readonly #services: Clients;
  readonly #apps: WatchedMap<Clients>;

  private constructor(o: ConfiguredClientsOptions, apps: WatchedMap<Clients>) {
    this.#o = o;
    this.#services = o.services;
    this.#apps = apps;
  }

  /** @throws StateUnavailable when the store cannot be reached */
  static async open(state: State, tenant: string, o: ConfiguredClientsOptions): Promise<ConfiguredClients> {
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    const decode = ({ value }: { readonly value: Uint8Array }) => readApps(value, o.source, o.onUnusable);
    // Whoever watches the servers says that a snapshot is none.
    return new ConfiguredClients(o, await WatchedMap.open(bucket, { decode, onError: () => undefined }));
  }

  get(clientId: string): AdapterPayload | undefined {
    return this.#services.get(clientId) ?? this.#current().get(clientId);
  }

  /** The same, with its secret where the vault keeps that. @throws SecretUnavailable */
  async find(clientId: string): Promise<AdapterPayload | undefined> {
    const client = this.get(clientId);
    const secret = client?.['client_secret'];
    if (typeof secret !== 'string' || !holdsVaultReference(secret)) return client && { ...client };
    const { text } = await this.#o.secrets.valueOf(secret);
    if (text.length >= LEAST_SECRET_CHARACTERS) return { ...client, client_secret: text };
    this.#o.onUnusable(clientId, TOO_SHORT);
    return undefined;
  }

  has(clientId: string): boolean {
    return this.get(clientId) !== undefined;
  }

  /** Whether a client of the configuration publishes its keys there. */
  publishKeysAt(href: string): boolean {
    return [...this.#services.values()].some(({ jwks_uri: uri }) => typeof uri === 'string' && URL.parse(uri)?.href === href);
  }

  /** Ids of the apps there are now; undefined before anything is known of them. */
  apps(): readonly string[] | undefined {
    const apps = this.#apps.get(SNAPSHOT_KEY);
    return apps && [...apps.keys()];
  }

  /** Calls back after every change of the apps from now on. */
  onChange(listener: () => void): void {
    this.#apps.onChange(listener);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#apps.close();
  }

  #current(): Clients {
    return this.#apps.get(SNAPSHOT_KEY) ?? NONE;
  }
}

function readApps(value: Uint8Array, source: ReferenceSource, onUnusable: OnUnusable): Clients {
  const snapshot = fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
  const found = snapshot.clients.map((app): [string, AdapterPayload | undefined] => {
    const credential = credentialOf(app, source);
    if (typeof credential !== 'string') return [app.clientId, { ...factsOf(app), ...credential }];
    onUnusable(app.clientId, credential);
    return [app.clientId, undefined];
  });
  return new Map(found.filter((entry): entry is [string, AdapterPayload] => entry[1] !== undefined));
}

function ofCertificate(text: string, source: ReferenceSource): AdapterPayload | string {
  const resolved = resolveReferences(text, source);
  if (!resolved.ok) return resolved.message;
  const problem = refuseCertificates(resolved.text);
  return problem === undefined ? selfSignedMetadata(resolved.text) : `its certificate ${problem}`;
}

function factsOf({ clientId, title, redirectUris, certificateBoundTokens }: AppClient): AdapterPayload {
  const isWeb = redirectUris.every((uri) => (judgeRedirectUri(uri) as { kind?: string }).kind === 'web');
  return {
    client_id: clientId,
    client_name: title,
    redirect_uris: [...redirectUris],
    application_type: isWeb ? 'web' : 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...(certificateBoundTokens ? { tls_client_certificate_bound_access_tokens: true } : {}),
  };
}

/** What the app shows that it is itself with, or what is wrong with that. */
function credentialOf(app: AppClient, source: ReferenceSource): AdapterPayload | string {
  const { secretReference, jwks, certificate, certificateSubject } = app;
  if (certificate !== '') return ofCertificate(certificate, source);
  const { case: kind, value } = certificateSubject?.subject ?? {};
  if (kind !== undefined) return issuedMetadata({ [kind]: value });
  if (jwks !== '') return { token_endpoint_auth_method: 'private_key_jwt', jwks: JSON.parse(jwks) as { keys: object[] } };
  if (secretReference === '') return { token_endpoint_auth_method: 'none' };
  if (holdsVaultReference(secretReference))
    return { token_endpoint_auth_method: 'client_secret_basic', client_secret: secretReference };
  const secret = resolveReferences(secretReference, source);
  if (!secret.ok) return secret.message;
  // RFC 6749 §10.10: what is long enough cannot be guessed, however fast.
  if (secret.text.length < LEAST_SECRET_CHARACTERS) return TOO_SHORT;
  return { token_endpoint_auth_method: 'client_secret_basic', client_secret: secret.text };
}
