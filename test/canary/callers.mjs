// Callers of every era and revision. All use the same ids and progress tokens at the same time: only what the gateway keeps apart is apart.
import { request as httpRequest } from 'node:http';
import { Expectation, exchange, messagesIn } from './calls.mjs';

export const REVISIONS = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
export const MODERN = '2026-07-28';
const BATCHES = '2025-03-26';
const OVER_SSE = '2024-11-05';

/** Calls that one caller has under way at a time. */
const AT_ONCE = 4;
/** How long the upstream holds a call that is to be cancelled or left, and when the caller does so. */
const HOLD_MS = 20;
const LEAVE_MS = 8;

/** What a call is, with its share. */
const KINDS = [
  ['unary', 0.8],
  ['streamed', 0.15],
  ['cancelled', 0.025],
  ['left', 0.025],
];

function drawKind() {
  let rest = Math.random();
  for (const [kind, share] of KINDS) if ((rest -= share) < 0) return kind;
  return 'unary';
}

/** One caller: a principal of its own or shared with another caller, and, but for modern ones, a session of its own. */
export class Caller {
  #calls = 0;
  #session;
  #stream;

  /** @param run `take()` a call of those that are left, `done(kind)`, `fault(text)` */
  constructor({ name, revision, url, token, upstreams, run }) {
    Object.assign(this, { name, revision, url, upstreams, run });
    this.isModern = revision === MODERN;
    this.headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(!this.isModern && revision !== OVER_SSE && revision >= '2025-06-18' && { 'mcp-protocol-version': revision }),
    };
  }

  /** Makes calls until none are left. */
  async go() {
    if (this.revision === OVER_SSE) this.#stream = await SseStream.open(this);
    if (!this.isModern) await this.#initialize();
    await Promise.all(Array.from({ length: AT_ONCE }, (_, slot) => this.#work(slot)));
    this.#stream?.close();
  }

  async #work(slot) {
    while (this.run.take()) {
      const kind = drawKind();
      try {
        if (this.revision === BATCHES && kind === 'unary' && this.#calls % 8 === 0) await this.#batch();
        else await this.#call(kind, slot);
      } catch (error) {
        this.run.fault(`${this.name}: a ${kind} call failed: ${error.message}`);
      }
      this.run.done(kind);
    }
  }

  async #initialize() {
    const body = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: this.revision, capabilities: {}, clientInfo: { name: this.name, version: '1' } },
    };
    if (this.#stream !== undefined) await this.#stream.initialize(body);
    else {
      const { status, headers, text } = await this.#post(body);
      this.#session = headers['mcp-session-id'];
      if (status !== 200 || this.#session === undefined) throw new Error(`${this.name}: initialize: ${status} ${text}`);
    }
    await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  #post(body, options = {}) {
    const headers = { ...this.headers, ...(this.#session && { 'mcp-session-id': this.#session }), ...options.headers };
    const url = this.#stream?.endpoint ?? this.url;
    return exchange({ url, ...options, headers, body: JSON.stringify(body) });
  }

  /** Ids in a session are not used again (MCP 2025-11-25, "Requests"); without one they are. */
  #newCall(kind, slot) {
    this.#calls += 1;
    const number = this.isModern ? slot + 1 : this.#calls;
    const steps = kind === 'streamed' ? 3 : kind === 'unary' ? 0 : 1;
    const upstream = this.upstreams[Math.floor(Math.random() * this.upstreams.length)];
    return {
      id: number,
      token: number,
      canary: `canary:${this.name}:${this.#calls}:`,
      steps,
      mayFail: kind === 'cancelled',
      holdMs: kind === 'unary' || kind === 'streamed' ? 0 : HOLD_MS,
      upstream,
      // Processes do not say of log messages for which call they are; of two calls at a time, neither gets them.
      logs: upstream.endsWith('h') ? steps : undefined,
    };
  }

  #request({ id, token, canary, steps, holdMs, upstream }) {
    const meta = {
      ...(steps > 0 && { progressToken: token }),
      ...(this.isModern && {
        'io.modelcontextprotocol/protocolVersion': MODERN,
        'io.modelcontextprotocol/clientCapabilities': {},
        ...(steps > 0 && { 'io.modelcontextprotocol/logLevel': 'debug' }),
      }),
    };
    const args = { canary, ...(steps > 0 && { steps }), ...(holdMs > 0 && { holdMs }) };
    return {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: `${upstream}__echo`, arguments: args, ...(Object.keys(meta).length > 0 && { _meta: meta }) },
    };
  }

  async #call(kind, slot) {
    const call = this.#newCall(kind, slot);
    const body = this.#request(call);
    if (this.#stream !== undefined) return this.#callOnStream(kind, call, body);
    const mirrored = this.isModern && {
      'mcp-protocol-version': MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': body.params.name,
    };
    if (kind === 'cancelled' && !this.isModern) setTimeout(() => this.#cancel(call), LEAVE_MS);
    // A modern client cancels by going (MCP 2026-07-28, "Cancellation").
    const leaves = kind === 'left' || (kind === 'cancelled' && this.isModern);
    const answer = await this.#post(body, { headers: mirrored, ...(leaves && { leaveAfterMs: LEAVE_MS }) });
    this.#judge(new Expectation(this.name, [call]), answer, !leaves && kind !== 'cancelled');
  }

  #cancel({ id }) {
    this.#post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }).catch((error) =>
      this.run.fault(`${this.name}: could not cancel: ${error.message}`),
    );
  }

  async #batch() {
    const calls = [0, 1, 2].map(() => this.#newCall('unary', 0));
    const answer = await this.#post(calls.map((call) => this.#request(call)));
    this.#judge(new Expectation(this.name, calls), answer, true);
  }

  #judge(expected, { headers, text, left, status }, mustAnswer) {
    const isStream = headers['content-type']?.startsWith('text/event-stream') === true;
    for (const fault of text === '' || (left && !isStream) ? [] : expected.check(messagesIn(text, isStream)))
      this.run.fault(fault);
    const open = mustAnswer ? expected.unanswered() : [];
    if (open.length > 0) this.run.fault(`${this.name}: no answer to ${open.join()}: HTTP ${status} ${text.slice(0, 200)}`);
  }

  /** What is answered comes on the session's stream; who goes takes the whole stream along, so here calls are cancelled only. */
  async #callOnStream(kind, call, body) {
    const isCancelled = kind === 'cancelled' || kind === 'left';
    const answered = this.#stream.expect({ ...call, mayFail: isCancelled });
    if (isCancelled) setTimeout(() => this.#cancel(call), LEAVE_MS);
    const { status, text } = await this.#post(body);
    if (status !== 202) throw new Error(`HTTP ${status} ${text}`);
    // A cancelled call need not be answered.
    await (isCancelled ? Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 5 * HOLD_MS))]) : answered);
    this.#stream.forget(call.id);
  }
}

/** The stream of a client of revision 2024-11-05. */
class SseStream {
  #waiting = new Map();
  #expected;
  #rest = '';
  #request;

  static async open(caller) {
    const stream = new SseStream();
    stream.caller = caller;
    stream.#expected = new Expectation(caller.name, []);
    await new Promise((resolve, reject) => {
      stream.#request = httpRequest(`${caller.url}/sse`, { headers: { ...caller.headers, accept: 'text/event-stream' } });
      stream.#request.on('response', (response) => {
        response.setEncoding('utf8');
        response.on('data', (chunk) => stream.#take(chunk, resolve));
        response.on('error', () => undefined);
      });
      stream.#request.on('error', reject);
      stream.#request.end();
    });
    return stream;
  }

  initialize(body) {
    const answered = new Promise((resolve) => this.#waiting.set(body.id, resolve));
    const { url, headers } = { url: this.endpoint, headers: this.caller.headers };
    return Promise.all([answered, exchange({ url, headers, body: JSON.stringify(body) })]);
  }

  expect(call) {
    this.#expected.calls.set(call.id, { ...call, progressed: 0, logged: 0, answered: false });
    return new Promise((resolve) => this.#waiting.set(call.id, resolve));
  }

  /** Late messages of a cancelled call may still come; of others none. */
  forget(id) {
    this.#waiting.delete(id);
    if (this.#expected.calls.get(id).answered) this.#expected.calls.delete(id);
  }

  close() {
    this.#request.destroy();
  }

  #take(chunk, opened) {
    const events = `${this.#rest}${chunk}`.split('\n\n');
    this.#rest = events.pop();
    for (const event of events) {
      const endpoint = /^event: ?endpoint\ndata: ?(.*)$/m.exec(event)?.[1];
      if (endpoint !== undefined) {
        this.endpoint = new URL(endpoint, this.caller.url).href;
        opened();
      } else for (const message of messagesIn(`${event}\n\n`, true)) this.#receive(message);
    }
  }

  #receive(message) {
    if (message.id !== 0) for (const fault of this.#expected.check([message])) this.caller.run.fault(fault);
    if (message.method === undefined) this.#waiting.get(message.id)?.();
  }
}
