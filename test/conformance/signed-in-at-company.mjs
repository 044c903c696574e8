// Somebody who has signed in at their company, for the referee's scenario about enterprise-managed authorization. Its identity provider has no
// sign-in page: it hands the client the ID token that a sign-in would have ended with. That token is put where the authorization server keeps
// what a provider gave at a sign-in; everything from there on is the authorization server's own code.
import { DEFAULT_TENANT } from '@switchyard/contracts';
import { parseGatewayConfig } from '@switchyard/gateway-config';
import { SqliteState } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Federation } from '../../services/auth-server/dist/federation/federation.js';
import { readIdentity } from '../../services/auth-server/dist/federation/identity.js';
import { ProviderSessions } from '../../services/auth-server/dist/federation/provider-sessions.js';
import { Accounts } from '../../services/auth-server/dist/provider/accounts.js';
import { Ended } from '../../services/auth-server/dist/revocation/ended.js';
import { RevocationRegister } from '../../services/auth-server/dist/revocation/revocation-register.js';
import { OidcStore } from '../../services/auth-server/dist/store/oidc-store.js';

const PUBLIC_URL = 'http://localhost:8080';
const SEAL = 'of this run alone';
/** The scenario's identity provider has told the gateway no secret, and looks at none. */
const NO_SECRET = 'none';

const AS_WRITTEN = { valueOf: (text) => Promise.resolve({ text, untilMs: Number.POSITIVE_INFINITY }) };

/** @returns the person, and `obtain`, which has the company assert them as the vault has it done over the bus */
export async function signedInAtCompany({ issuer, clientId, idToken, fetch }) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-conformance-'));
  const state = SqliteState.open(path.join(dir, 'state.sqlite'));
  const clock = { now: () => Date.now() };
  const store = new OidcStore(await state.bucket('oidc', DEFAULT_TENANT));
  const ended = new Ended('person', store, await RevocationRegister.open(state, DEFAULT_TENANT), clock);
  const accounts = new Accounts(store, DEFAULT_TENANT);
  const text = `identity: { mode: oidc, oidc: { issuer: "${issuer}", clientId: "${clientId}", clientSecret: "\${env:NONE}" } }`;
  const [config] = parseGatewayConfig(text, 'switchyard.yaml').identity.providers;
  const provider = { ...config, clientSecret: NO_SECRET };
  const log = createLogger({ service: 'conformance', level: 'silent' });
  const federation = new Federation({
    ...{
      providers: [provider],
      publicUrl: PUBLIC_URL,
      store,
      accounts,
      ended,
      clock,
      fetch,
      log,
      secrets: AS_WRITTEN,
      secret: SEAL,
      afterMs: 300_000,
    },
  });
  const claims = JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url').toString());
  const account = await accounts.rememberIdentity(readIdentity(claims, provider));
  const given = { idToken: { text: idToken, endsAtMs: claims.exp * 1000 }, accessToken: '', checkedAtMs: clock.now() };
  await new ProviderSessions(store, SEAL).write(account.subject, given);
  return {
    principal: {
      tenant: DEFAULT_TENANT,
      issuer: PUBLIC_URL,
      subject: account.subject,
      name: account.name,
      kind: 'user',
      claims: [],
    },
    obtain: async ({ audience, resource, scope }) => {
      const outcome = await federation.idJagOf(account, { audience, resource, scope });
      if ('refused' in outcome) throw new Error(`${outcome.refused}: ${outcome.code}`);
      return outcome.idJag;
    },
    [Symbol.asyncDispose]: async () => {
      await state.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
