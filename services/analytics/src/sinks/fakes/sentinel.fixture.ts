import type { FakeProduct } from './fake-product.fixture.js';
import { startReceiver, type Reply } from './http-receiver.fixture.js';

const SECRET = 'app-secret-4711';

/** Sentinel, with how often it gave a token. */
export interface FakeSentinel extends FakeProduct {
  readonly tokens: () => number;
  /** Whether the tokens that it gave so far are still taken. */
  revokeTokens(): void;
}

interface Row {
  readonly TimeGenerated: string;
  readonly EventId: string;
}

/** Starts the token endpoint and the Logs Ingestion API: 1 MB a call, 204 without a word. */
export async function startSentinel(): Promise<FakeSentinel> {
  const taken: string[] = [];
  let tokens = 0;
  let revoked = 0;
  const grant = (body: string): Reply => {
    const form = new URLSearchParams(body);
    const isRight = form.get('client_secret') === SECRET && form.get('grant_type') === 'client_credentials';
    if (!isRight) return { status: 401, body: { error: 'invalid_client' } };
    tokens += 1;
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3_599, access_token: `token-${tokens}` } };
  };
  const take = (body: string): Reply => {
    if (Buffer.byteLength(body) > 1024 ** 2) return { status: 413 };
    const rows = JSON.parse(body) as Row[];
    if (rows.some(({ EventId: id }) => fake.poison?.(id))) return { status: 400, body: { error: { code: 'InvalidPayload' } } };
    taken.push(...rows.map(({ EventId: id }) => id));
    return { status: 204 };
  };
  const receiver = await startReceiver((request) => {
    const fault = fake.fault?.(request);
    if (fault !== undefined) return fault;
    if (request.path === '/contoso/oauth2/v2.0/token') return grant(request.body);
    const token = Number(/^Bearer token-(\d+)$/.exec(request.headers.authorization ?? '')?.[1] ?? 0);
    if (token <= revoked) return { status: 401, body: { error: { code: 'InvalidToken' } } };
    const path = '/dataCollectionRules/dcr-0123abcd/streams/Custom-SwitchyardAudit_CL?api-version=2023-01-01';
    return request.path === path ? take(request.body) : { status: 404 };
  });
  const { url } = receiver;
  const fake: FakeSentinel = {
    settings: { url, authority: url, rule: 'dcr-0123abcd', tenantId: 'contoso', clientId: 'app', clientSecret: '${env:SECRET}' },
    secrets: { '/clientSecret': SECRET },
    taken: () => taken,
    tokens: () => tokens,
    revokeTokens: () => void (revoked = tokens),
    fault: undefined,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
  return fake;
}
