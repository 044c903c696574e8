import { fromJsonString } from '@bufbuild/protobuf';
import { API_KEY_ISSUER, encodeApiKeyRecord, mintApiKey } from '@switchyard/api-keys';
import { BUCKETS, CALLER_PROOF_KEY, CredentialMaterialSchema, DEFAULT_TENANT } from '@switchyard/contracts';
import { openSealed, sealTo } from '@switchyard/oauth';
import { eventually, FormBrowser, type ShownPage } from '@switchyard/testing';
import { ANA, startFront, type Front, type Person } from './front.fixture.js';
import { startOAuthUpstream, type OAuthUpstream } from './oauth-upstream.fixture.js';
import { startVault, type VaultRig, type VaultRigOptions } from './vault.fixture.js';

export const UPSTREAM = 'tracker';

/** What a lease came to. */
export type Outcome =
  | {
      readonly token: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly version: string;
      readonly expiresAtMs: number;
      /** Private key that the token is bound to; empty: none. */
      readonly dpopKey: string;
    }
  | { readonly reason: string; readonly message: string; readonly connectUrl: string };

/** What is leased, and for which call. */
interface LeaseOptions {
  readonly authorization?: string;
  readonly rejectedVersion?: string;
  readonly challengeScopes?: string[];
  readonly call?: Partial<Record<'requestId' | 'traceId' | 'server' | 'clientName', string>>;
}

/** A gateway's front, a vault behind it, and an upstream at which people have accounts. */
export interface PersonalRig extends AsyncDisposable {
  readonly front: Front;
  readonly upstream: OAuthUpstream;
  readonly rig: VaultRig;
  /** Leases as an edge does, for somebody who is calling. */
  lease(person?: Person, o?: LeaseOptions, at?: VaultRig): Promise<Outcome>;
  browser(): FormBrowser;
  /** Connects as a person does. @returns the page at the end */
  connect(browser: FormBrowser, label?: string, upstream?: string): Promise<ShownPage>;
}

/** Seals a call's Authorization value as edges do. */
export async function proofOf(rig: VaultRig, authorization: string): Promise<string> {
  const kv = await rig.platform.state.bucket(BUCKETS.vaultKeys, DEFAULT_TENANT);
  const key = await kv.get(CALLER_PROOF_KEY);
  return sealTo(Buffer.from(key?.value ?? []).toString('utf8'), Buffer.from(authorization));
}

/** Leases at a vault, and opens what it gives. */
export async function leaseAt(rig: VaultRig, front: Front, person: Person, o: LeaseOptions = {}): Promise<Outcome> {
  const { result } = await rig.lease(UPSTREAM, {
    principalIssuer: front.publicUrl,
    principalSubject: person.subject,
    callerProof: await proofOf(rig, o.authorization ?? `Bearer ${front.token(person)}`),
    rejectedVersion: o.rejectedVersion ?? '',
    challengeScopes: o.challengeScopes ?? [],
    ...o.call,
  });
  if (result.case !== 'lease') {
    const { reason = '', message = '', connectUrl = '' } = result.value ?? {};
    return { reason, message, connectUrl };
  }
  const { sealed, version, expiresAt } = result.value;
  const text = Buffer.from(await openSealed(rig.edgeKey.privateKey, sealed)).toString('utf8');
  const { headers, dpopKey } = fromJsonString(CredentialMaterialSchema, text);
  const token = (headers['Authorization'] ?? '').replace(/^(Bearer|DPoP) /, '');
  return { token, headers, version, expiresAtMs: Number(expiresAt?.seconds ?? 0) * 1000, dpopKey };
}

/** A program leases with a key of the gateway's. @returns what it is told, once the vault knows the key */
export async function refusalOfProgram(rig: VaultRig): Promise<unknown> {
  const { text, record } = mintApiKey({ name: 'robot', servers: ['*'], roles: [], createdAtMs: 0 });
  const kv = await rig.platform.state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
  await kv.put(record.id, encodeApiKeyRecord(record));
  const { result } = await eventually(async () => {
    const answer = await rig.lease(UPSTREAM, {
      principalIssuer: API_KEY_ISSUER,
      principalSubject: record.id,
      callerProof: await proofOf(rig, `Bearer ${text}`),
    });
    return answer.result.case === 'refusal' && answer.result.value.reason !== 'caller_unproven' ? answer : false;
  });
  return result.value;
}

/** The page that was shown, not an address elsewhere. */
export function shown(result: ShownPage | URL): ShownPage {
  if (result instanceof URL) throw new Error(`no page, but a way to ${result.href}`);
  return result;
}

/** Where the browser was sent to. */
export function sentTo(result: ShownPage | URL): URL {
  if (result instanceof URL) return result;
  throw new Error(`a page (${result.status}), not a way elsewhere: ${result.text}`);
}

/** What the upstream's authorization server answers with: an address of the gateway. */
export async function answerAt(url: URL): Promise<URL> {
  const response = await fetch(url, { redirect: 'manual' });
  return new URL(response.headers.get('location') ?? '');
}

/** Starts all of it. */
export async function startPersonal(options: VaultRigOptions = {}): Promise<PersonalRig> {
  await using undo = new AsyncDisposableStack();
  const front = undo.use(await startFront());
  const upstream = undo.use(await startOAuthUpstream());
  const rig = undo.use(await startVault({ ...options, authServer: front.authServer }));
  front.vault = rig.vault.urls['http'] ?? '';
  await rig.apply([{ upstream: UPSTREAM, kind: 'oauth', settings: { url: upstream.url } }]);
  await front.publish(rig.platform.state, [UPSTREAM]);
  const running = undo.move();
  const browser = () => new FormBrowser(front.publicUrl);
  return {
    ...{ front, upstream, rig, browser },
    lease: (person = ANA, o = {}, at = rig) => leaseAt(at, front, person, o),
    connect: async (user, label = 'default', name = UPSTREAM) => {
      const page = shown(await user.open(`/connect/${name}`));
      const away = sentTo(await user.submit(page, { label, do: 'connect' }));
      return shown(await user.open(await answerAt(away)));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
