import { API_KEY_ISSUER } from '@switchyard/api-keys';
import { CredentialOwner, type LeaseCredentialRequest } from '@switchyard/contracts';
import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge, type TestEdgeOptions } from './edge.fixture.js';
import { type FakeLease, type FakeVault, startFakeVault, tellConnection } from './fake-vault.fixture.js';

/** A caller with an API key of their own. */
export interface Person {
  readonly key: string;
  readonly issuer: string;
  readonly subject: string;
}

/** An edge in front of two upstreams, `nova` of the modern era and `oldie` of the legacy one, to which every caller connects on their own. */
export interface ConnectingEdge {
  readonly edge: TestEdge;
  readonly vault: FakeVault;
  readonly upstreams: Readonly<Record<'nova' | 'oldie', ScriptedUpstream>>;
  /** Somebody new, connected to nothing. */
  person(): Promise<Person>;
  connect(person: Person, upstream: string): Promise<void>;
  disconnect(person: Person, upstream: string): Promise<void>;
  /** The Authorization value that an upstream is shown for somebody. */
  tokenOf(person: Person, upstream: string): string;
  /** Bodies of the tool calls that an upstream has got, with the credential that they came with. */
  calls(upstream: 'nova' | 'oldie'): { readonly body: string; readonly authorization: string | undefined }[];
  [Symbol.asyncDispose](): Promise<void>;
}

const MODERN = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };
const TOOLS = [{ name: 'act', inputSchema: { type: 'object' } }];

/** Says who called, as the upstream sees it. */
const whoami = (scripted: ScriptedExchange) =>
  answerResult(scripted, {
    resultType: 'complete',
    content: [{ type: 'text', text: String(scripted.request.headers.authorization) }],
  });

/** Starts it. */
export async function startConnectingEdge(options: TestEdgeOptions = {}): Promise<ConnectingEdge> {
  const nova = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      'server/discover': (scripted) =>
        answerResult(scripted, { ...MODERN, supportedVersions: ['2026-07-28'], capabilities: { tools: {}, prompts: {} } }),
      'tools/list': (scripted) => answerResult(scripted, { ...MODERN, tools: TOOLS }),
      'tools/call': whoami,
    },
  });
  const oldie = await startScriptedUpstream({ name: 'oldie', tools: ['act'], scripts: { 'tools/call': whoami } });
  const upstreams = { nova, oldie };
  const edge = await startTestEdge(options);
  const connections = new Map<string, number>();
  const place = ({ subject }: Person, upstream: string) => `${upstream} ${subject}`;
  const lease = ({ upstream, principalSubject }: LeaseCredentialRequest): FakeLease => {
    const times = connections.get(`${upstream} ${principalSubject}`);
    if (times !== undefined)
      return { headers: { authorization: `Bearer up-${upstream}-${principalSubject}-${times}` }, version: String(times) };
    const connectUrl = `${edge.url}/connect/${upstream}`;
    return { reason: 'connection_required', message: `${upstream} is called with your own account.`, connectUrl };
  };
  const vault = startFakeVault(edge.rpc, lease);
  const open = { tools: ['*'], prompts: ['*'], resources: ['*'] };
  await edge.publish({
    upstreams: Object.entries(upstreams).map(([name, { url }]) => ({
      name,
      transport: { case: 'http' as const, value: { url } },
      timeoutMs: 5_000,
      needsCredential: true,
      credentialOwner: CredentialOwner.PRINCIPAL,
      credentialVersion: '1',
    })),
    servers: [
      ...Object.keys(upstreams).map((slug) => ({
        slug,
        sources: [{ upstream: slug, ...open }],
        access: [{ everyone: true }],
      })),
      {
        slug: 'both',
        sources: Object.keys(upstreams).map((upstream) => ({ upstream, prefix: `${upstream}_`, ...open })),
        access: [{ everyone: true }],
      },
    ],
  });
  let last = 0;
  let connected = 0;
  return {
    edge,
    vault,
    upstreams,
    person: async () => {
      last += 1;
      const key = await edge.mint({ name: `person-${last}`, servers: ['*'] });
      return { key, issuer: API_KEY_ISSUER, subject: key.split('_')[1]! };
    },
    connect: async (person, upstream) => {
      connected += 1;
      connections.set(place(person, upstream), connected);
      await tellConnection(edge.state, upstream, person, 'connected');
    },
    disconnect: async (person, upstream) => {
      connections.delete(place(person, upstream));
      await tellConnection(edge.state, upstream, person, 'disconnected');
    },
    tokenOf: (person, upstream) => `Bearer up-${upstream}-${person.subject}-${connections.get(place(person, upstream)) ?? ''}`,
    calls: (upstream) =>
      upstreams[upstream].received
        .filter(({ body }) => body.includes('"tools/call"'))
        .map(({ body, headers }) => ({ body, authorization: headers.authorization })),
    [Symbol.asyncDispose]: async () => {
      await vault.stop();
      await edge[Symbol.asyncDispose]();
      await Promise.all([nova[Symbol.asyncDispose](), oldie[Symbol.asyncDispose]()]);
    },
  };
}
