import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startAssertedServer, type AssertedServer } from '../../services/auth-server/src/fixtures/asserted-server.js';
import { assertionKey } from '../../services/auth-server/src/fixtures/client-assertion.js';
import { startCompanyIdp, type CompanyIdp } from '../../services/auth-server/src/fixtures/company-idp.js';
import { startBoundAccount, type BoundAccount } from './targets/bound-account.js';
import { startExchangingServer, type ExchangingServer } from '../../services/auth-server/src/fixtures/exchanging-server.js';
import type { OwnGatewayFile } from './targets/target.js';
import { startTracker, type Tracker } from './targets/tracker-upstream.js';

/** A text that is nowhere else. */
export const draw = (what: string) => `${what}-${randomBytes(24).toString('base64url')}`;

/** What stands around a gateway that gives and gets tokens of every kind. */
export interface Surroundings extends AsyncDisposable {
  readonly own: OwnGatewayFile;
  readonly idp: () => CompanyIdp;
  readonly tracker: Tracker;
  readonly bound: BoundAccount;
  readonly robot: ReturnType<typeof assertionKey>;
  /** Gives tokens for what the gateway states of people: the upstream `stated`. */
  readonly exchanging: () => ExchangingServer;
  /** Gives tokens for what the company asserts of people: the upstream `asserted`. */
  readonly asserted: () => AssertedServer;
  readonly secrets: Readonly<Record<'IDP_SECRET' | 'REPORTS_SECRET' | 'MACHINE_SECRET', string>>;
  /** Tokens that the authorization server of the upstream `machine` has given to the gateway itself. */
  readonly machineTokens: readonly string[];
}

/** Starts it. @param otlpEndpoint where the gateway is to export traces to */
export async function startSurroundings(otlpEndpoint: string): Promise<Surroundings> {
  await using undo = new AsyncDisposableStack();
  const tracker = undo.use(await startTracker());
  const bound = undo.use(await startBoundAccount());
  const robot = assertionKey();
  const secrets = {
    IDP_SECRET: 'company-secret-that-nobody-may-see',
    REPORTS_SECRET: draw('reports'),
    MACHINE_SECRET: draw('machine-secret'),
  };
  const machineTokens: string[] = [];
  const issuer = createServer((_request, response) => {
    machineTokens.push(draw('machine-token'));
    const token = { access_token: machineTokens.at(-1), token_type: 'Bearer', expires_in: 3600 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  undo.defer(() => new Promise((resolve) => void issuer.close(() => resolve())));
  const machineUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`;
  // Its own identity provider starts once the gateway's address is known.
  const started = undo.move();
  let around: { readonly idp: CompanyIdp; readonly exchanging: ExchangingServer; readonly asserted: AssertedServer } | undefined;
  const found = () => {
    if (around === undefined) throw new Error('the gateway was started without its file');
    return around;
  };
  const env: Record<string, string> = { ...secrets, ROBOT_KEY: robot.publicKey };
  const text: OwnGatewayFile['text'] = async ({ publicUrl, host, port, ledgerUrl }) => {
    const idp = started.use(await startCompanyIdp([`${publicUrl}/oauth/callback/company`]));
    const exchanging = started.use(await startExchangingServer(publicUrl));
    const asserted = started.use(await startAssertedServer(() => idp.issuer, ledgerUrl));
    exchanging.accounts.add('ana@example.com');
    idp.idJags.apps.set(asserted.issuer, asserted.clientId);
    around = { idp, exchanging, asserted };
    Object.assign(env, { EXCHANGE_SECRET: exchanging.clientSecret, ASSERTED_SECRET: asserted.clientSecret });
    return `gateway: { publicUrl: "${publicUrl}", host: "${host}", port: ${port} }
identity:
  mode: oidc
  oidc: { title: Example Corp, issuer: "${idp.issuer}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}", assertions: true }
  services:
    robot: { publicKey: "\${env:ROBOT_KEY}", servers: [work] }
    reports: { clientSecret: "\${env:REPORTS_SECRET}", servers: ["*"] }
upstreams:
  tracker: { url: "${tracker.url}", credential: { type: oauth } }
  bound: { url: "${bound.url}", credential: { type: oauth } }
  machine: { url: "${ledgerUrl}", credential: { type: client-credentials, tokenUrl: "${machineUrl}", clientId: gw, clientSecret: "\${env:MACHINE_SECRET}" } }
  keyed: { url: "${ledgerUrl}", credential: { type: user-key, name: X-Key } }
  stated: { url: "${ledgerUrl}", credential: { type: token-exchange, issuer: "${exchanging.issuer}", clientId: gateway, clientSecret: "\${env:EXCHANGE_SECRET}" } }
  asserted: { url: "${ledgerUrl}", credential: { type: id-jag, issuer: "${asserted.issuer}", clientId: ${asserted.clientId}, clientSecret: "\${env:ASSERTED_SECRET}" } }
servers:
  work:
    sources:
      - { upstream: tracker }
      - { upstream: machine, prefix: machine__ }
      - { upstream: bound, prefix: bound__ }
      - { upstream: keyed, prefix: keyed__ }
      - { upstream: stated, prefix: stated__ }
      - { upstream: asserted, prefix: asserted__ }
    access: [{ everyone: true }]
`;
  };
  return {
    own: { text, env, loopbackPorts: () => [], otlpEndpoint },
    ...{
      idp: () => found().idp,
      exchanging: () => found().exchanging,
      asserted: () => found().asserted,
      tracker,
      bound,
      robot,
      secrets,
      machineTokens,
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
