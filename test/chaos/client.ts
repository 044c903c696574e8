import { CALL_KINDS, type CallKindName } from './call-kinds.js';
import { type Came, post } from './exchange.js';
import type { Answer } from './ledgers.js';

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'chaos', version: '1' },
};

/** What a client is told. */
export interface ClientOptions {
  readonly era: 'modern' | 'legacy';
  /** Host of the gateway's public URL. */
  readonly host: string;
  readonly slug: string;
  readonly key: string;
  /** Makes the id of a request that is no call. */
  readonly requestId: () => string;
}

/** A client that retries nothing and corrects nothing, so that what it saw is what happened. */
export interface Client {
  /** Makes one call under an id, at the edge that listens on a port. */
  call(id: string, kind: CallKindName, port: number): Promise<Answer>;
}

export const newClient = (options: ClientOptions): Client =>
  options.era === 'modern' ? new ModernClient(options) : new LegacyClient(options);

class ModernClient implements Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async call(id: string, kind: CallKindName, port: number): Promise<Answer> {
    const { tool: name } = CALL_KINDS[kind];
    const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': name };
    const params = { name, arguments: { call: id }, _meta: META };
    const came = await post(destination(this.#options, port, id, headers), { id: 1, method: 'tools/call', params });
    return answerOf(came, `${name} ${id}`);
  }
}

class LegacyClient implements Client {
  readonly #options: ClientOptions;
  #session: Promise<string | Answer> | undefined;
  #rpcId = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async call(id: string, kind: CallKindName, port: number): Promise<Answer> {
    const session = await (this.#session ??= this.#open(port));
    if (typeof session !== 'string') {
      this.#session = undefined;
      return { kind: 'none', why: 'no session' };
    }
    const { tool: name } = CALL_KINDS[kind];
    const params = { name, arguments: { call: id } };
    const message = { id: (this.#rpcId += 1), method: 'tools/call', params };
    const answer = answerOf(await post(destination(this.#options, port, id, inSession(session)), message), `${name} ${id}`);
    if (answer.kind === 'refused' && answer.reason.startsWith('session_')) this.#session = undefined;
    return answer;
  }

  async #open(port: number): Promise<string | Answer> {
    const { requestId } = this.#options;
    const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'chaos', version: '1' } };
    const came = await post(destination(this.#options, port, requestId()), {
      id: (this.#rpcId += 1),
      method: 'initialize',
      params,
    });
    if (came.status !== 200 || came.session === undefined) return answerOf(came, '');
    const initialized = destination(this.#options, port, requestId(), inSession(came.session));
    await post(initialized, { method: 'notifications/initialized' });
    return came.session;
  }
}

const inSession = (session: string) => ({ 'mcp-session-id': session, 'mcp-protocol-version': LEGACY });

function destination({ host, slug, key }: ClientOptions, port: number, id: string, headers: Record<string, string> = {}) {
  return { port, host, path: `/mcp/${slug}`, headers: { authorization: `Bearer ${key}`, 'x-request-id': id, ...headers } };
}

/** Reads what came as the answer to a call. @param expected text of its result */
function answerOf(came: Came, expected: string): Answer {
  if (came.status === undefined) return { kind: 'none', why: came.why };
  const answer = came.messages.findLast(({ result, error }) => result !== undefined || error !== undefined);
  if (answer?.error !== undefined) return { kind: 'refused', reason: answer.error.data?.reason ?? `code ${answer.error.code}` };
  const text = answer?.result?.content?.[0]?.text;
  if (text === undefined) return { kind: 'none', why: `status ${came.status} without an answer` };
  if (text !== expected) return { kind: 'wrong', text };
  return { kind: answer?.result?.isError === true ? 'tool_error' : 'result' };
}
