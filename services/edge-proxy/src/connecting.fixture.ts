import { API_KEY_ISSUER } from '@switchyard/api-keys';
import { CredentialOwner, type LeaseCredentialRequest } from '@switchyard/contracts';
import { answerResult, type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';
import { startTestEdge, type TestEdge, type TestEdgeOptions } from './edge.fixture.js';
import {
  exchange,
  INITIALIZE,
  messagesIn,
  open,
  type OpenAnswer,
  type RawAnswer,
  type RawMessage,
} from './raw-client.fixture.js';
import { type FakeLease, type FakeVault, startFakeVault, tellConnection } from './fake-vault.fixture.js';

/** A caller with an API key of their own. */
export interface Person {
  readonly key: string;
  readonly issuer: string;
  readonly subject: string;
}

/** What a modern client sends. */
export interface ModernRequest {
  readonly method?: string;
  readonly name?: string;
  readonly params?: object;
  readonly capabilities?: object;
}

/** What a legacy client does in its session. */
export interface LegacyClient {
  readonly id: string;
  /** Sends a message, and reads the answer to its end. */
  readonly post: (body: object) => Promise<RawAnswer>;
  readonly begin: (body: object) => Promise<OpenAnswer>;
  /** Opens the session's stream. */
  readonly stream: () => Promise<OpenAnswer>;
}

/** Capabilities of a client that can send its user to a URL. */
export const URL_MODE: object = { elicitation: { url: {} } };

/** An edge in front of two upstreams, `nova` of the modern era and `oldie` of the legacy one, to which every caller connects on their own. */
export interface ConnectingEdge {
  readonly edge: TestEdge;
  readonly vault: FakeVault;
  readonly upstreams: Readonly<Record<'nova' | 'oldie', ScriptedUpstream>>;
  /** Somebody new, connected to nothing. */
  person(): Promise<Person>;
  connect(person: Person, upstream: string): Promise<void>;
  disconnect(person: Person, upstream: string): Promise<void>;
  /** Gives somebody who is connected another token. */
  refresh(person: Person, upstream: string): Promise<void>;
  /** The Authorization value that an upstream is shown for somebody. */
  tokenOf(person: Person, upstream: string): string;
  /** A modern client's request. */
  modern(person: Person, slug: string, request?: ModernRequest): Promise<OpenAnswer>;
  /** A legacy client's session. */
  session(person: Person, slug: string, capabilities?: object, revision?: string): Promise<LegacyClient>;
  /** Bodies of the tool calls that an upstream has got, with the credential that they came with. */
  calls(upstream: 'nova' | 'oldie'): { readonly body: string; readonly authorization: string | undefined }[];
  [Symbol.asyncDispose](): Promise<void>;
}

const MODERN = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };

/** Every caller has a tool of their own. */
function listTools(scripted: ScriptedExchange): void {
  const subject = /^Bearer up-[a-z]+-(\w+)-/.exec(scripted.request.headers.authorization ?? '')?.[1] ?? 'nobody';
  const tools = ['act', `of_${subject}`].map((name) => ({ name, inputSchema: { type: 'object' } }));
  answerResult(scripted, { ...MODERN, tools });
}

/** Says who called, as the upstream sees it. */
const whoami = (scripted: ScriptedExchange) =>
  answerResult(scripted, {
    resultType: 'complete',
    content: [{ type: 'text', text: String(scripted.request.headers.authorization) }],
  });

/** The last message of an answer. */
export async function answerOf(opening: OpenAnswer | Promise<OpenAnswer>): Promise<RawMessage> {
  const opened = await opening;
  await opened.ended;
  return messagesIn(opened.text()).at(-1)!;
}

/** The text of a tool's result. */
export const textOf = (message: RawMessage | undefined): string | undefined =>
  (message?.result?.['content'] as { text: string }[] | undefined)?.[0]?.text;

function modernClient({ url }: TestEdge): ConnectingEdge['modern'] {
  return ({ key }, slug, { method = 'tools/call', name, params = {}, capabilities = URL_MODE } = {}) => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    };
    const named = name ?? (method === 'tools/call' || method === 'prompts/get' ? 'act' : undefined);
    return open(url, {
      path: `/mcp/${slug}`,
      key,
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...(named !== undefined && { 'mcp-name': named }) },
      body: { jsonrpc: '2.0', id: 'c-1', method, params: { ...(named !== undefined && { name: named }), ...params, _meta } },
    });
  };
}

function legacyClient({ url }: TestEdge): ConnectingEdge['session'] {
  return async ({ key }, slug, capabilities = URL_MODE, protocolVersion = '2025-11-25') => {
    const path = `/mcp/${slug}`;
    const params = { ...INITIALIZE.params, protocolVersion, capabilities };
    const { headers } = await exchange(url, { path, key, body: { ...INITIALIZE, params } });
    const id = String(headers['mcp-session-id']);
    return {
      id,
      post: (body) => exchange(url, { path, key, session: id, body }),
      begin: (body) => open(url, { path, key, session: id, body }),
      stream: () => open(url, { path, method: 'GET', key, session: id }),
    };
  };
}

/** Starts it. */
export async function startConnectingEdge(options: TestEdgeOptions = {}): Promise<ConnectingEdge> {
  const nova = await startScriptedUpstream({
    name: 'nova',
    scripts: {
      'server/discover': (scripted) =>
        answerResult(scripted, { ...MODERN, supportedVersions: ['2026-07-28'], capabilities: { tools: {}, prompts: {} } }),
      'tools/list': listTools,
      'tools/call': whoami,
    },
  });
  const oldie = await startScriptedUpstream({ name: 'oldie', scripts: { 'tools/list': listTools, 'tools/call': whoami } });
  const upstreams = { nova, oldie };
  const edge = await startTestEdge(options);
  const connections = new Map<string, number>();
  const place = ({ subject }: Person, upstream: string) => `${upstream} ${subject}`;
  const lease = ({ upstream, principalSubject }: LeaseCredentialRequest): FakeLease => {
    const times = connections.get(`${upstream} ${principalSubject}`);
    if (times !== undefined)
      return { headers: { authorization: `Bearer up-${upstream}-${principalSubject}-${times}` }, version: String(times) };
    const connectUrl = `${edge.url}/connect/${upstream}`;
    return {
      reason: 'connection_required',
      message: `${upstream} is called with your own account: connect it at ${connectUrl}.`,
      connectUrl,
    };
  };
  const vault = startFakeVault(edge.rpc, lease);
  const open = { tools: ['*'], prompts: ['*'], resources: ['*'] };
  await edge.publish({
    upstreams: Object.entries(upstreams).map(([name, { url }]) => ({
      name,
      transport: { case: 'http' as const, value: { url } },
      timeoutMs: 20_000,
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
  const lend = async (person: Person, upstream: string, state: 'connected' | 'refreshed') => {
    connected += 1;
    connections.set(place(person, upstream), connected);
    await tellConnection(edge.state, upstream, person, state, String(connected));
  };
  return {
    edge,
    vault,
    upstreams,
    modern: modernClient(edge),
    session: legacyClient(edge),
    person: async () => {
      last += 1;
      const key = await edge.mint({ name: `person-${last}`, servers: ['*'] });
      return { key, issuer: API_KEY_ISSUER, subject: key.split('_')[1]! };
    },
    connect: (person, upstream) => lend(person, upstream, 'connected'),
    refresh: (person, upstream) => lend(person, upstream, 'refreshed'),
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
