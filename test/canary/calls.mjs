// The calls of one caller, and what is checked of all that comes back: nothing in it may be of another caller or another call.
import { Agent, request as httpRequest } from 'node:http';

/** Of every canary; what follows names caller and call. */
const CANARY = /canary:[a-z0-9-]+:\d+:/g;
/** Longest wait for an answer. */
const ANSWER_MS = 60_000;

const agent = new Agent({ keepAlive: true, maxSockets: Infinity, scheduling: 'lifo' });

/** Lets go of idle connections. */
export const closeConnections = () => agent.destroy();

/** @returns the messages of a JSON body or of the events of a stream, whole ones only */
export function messagesIn(body, isStream) {
  if (!isStream) return [JSON.parse(body)].flat();
  return body
    .split('\n\n')
    .slice(0, -1)
    .flatMap((event) => {
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trimStart())
        .join('\n');
      return data === '' || !data.startsWith('{') ? [] : [JSON.parse(data)];
    });
}

/**
 * Sends one HTTP request and reads the answer to its end.
 * @param leaveAfterMs the client goes then, whatever has come
 */
export function exchange({ url, method = 'POST', headers, body, leaveAfterMs }) {
  return new Promise((resolve, reject) => {
    let left = false;
    let text = '';
    let head = { status: 0, headers: {} };
    const end = () => resolve({ ...head, text, left });
    const request = httpRequest(url, { method, agent, headers }, (response) => {
      head = { status: response.statusCode, headers: response.headers };
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('end', end);
      response.on('error', (error) => (left ? end() : reject(error)));
    });
    request.on('error', (error) => (left ? end() : reject(error)));
    request.setTimeout(ANSWER_MS, () => request.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    if (leaveAfterMs !== undefined)
      setTimeout(() => {
        left = true;
        request.destroy();
        end();
      }, leaveAfterMs);
    request.end(body);
  });
}

/** What one call may be answered with. */
export class Expectation {
  /** @param ids of the calls that the answer is for, with the canary and progress token of each */
  constructor(caller, calls) {
    this.caller = caller;
    this.calls = new Map(calls.map((call) => [call.id, { ...call, progressed: 0, logged: 0, answered: false }]));
  }

  /** Checks messages in the order in which they came. @returns what is wrong with them */
  check(messages) {
    return messages.flatMap((message) => this.#wrong(message) ?? []);
  }

  /** @returns the ids that nothing has been answered to */
  unanswered() {
    return [...this.calls.values()].filter(({ answered }) => !answered).map(({ id }) => id);
  }

  #wrong(message) {
    const said = JSON.stringify(message).match(CANARY) ?? [];
    const own = [...this.calls.values()].map(({ canary }) => canary);
    const foreign = said.find((canary) => !own.includes(canary));
    if (foreign !== undefined) return `${this.caller} was sent ${foreign} in ${JSON.stringify(message).slice(0, 200)}`;
    if (message.method === 'notifications/progress') return this.#wrongProgress(message.params);
    if (message.method === 'notifications/message') return this.#wrongLog(message.params);
    if (message.method !== undefined) return `${this.caller} was sent ${message.method}`;
    return this.#wrongAnswer(message);
  }

  #wrongProgress({ progressToken, progress, message }) {
    const call = [...this.calls.values()].find(({ token }) => token === progressToken);
    if (call === undefined) return `${this.caller} was sent the progress of ${progressToken}, a call it did not make`;
    if (message !== call.canary) return `${this.caller} was sent ${message} under the token of ${call.canary}`;
    if (progress !== call.progressed + 1) return `${this.caller}: progress ${progress} after ${call.progressed}`;
    call.progressed = progress;
  }

  #wrongLog({ data }) {
    const call = [...this.calls.values()].find(({ canary }) => canary === data);
    if (call === undefined) return `${this.caller} was sent a log message of ${JSON.stringify(data)}`;
    call.logged += 1;
  }

  #wrongAnswer({ id, result, error }) {
    const call = this.calls.get(id);
    if (call === undefined || call.answered) return `${this.caller} was sent an answer to ${id} that it did not wait for`;
    call.answered = true;
    if (call.mayFail && error !== undefined) return undefined;
    const told = result?.content?.[0]?.text;
    if (told !== call.canary)
      return `${this.caller}: ${call.canary} was answered with ${JSON.stringify(result ?? error).slice(0, 200)}`;
    if (call.steps > 0 && call.progressed !== call.steps)
      return `${this.caller}: ${call.canary} came with ${call.progressed} of ${call.steps} steps`;
    if (call.logs !== undefined && call.logged !== call.logs)
      return `${this.caller}: ${call.canary} came with ${call.logged} of ${call.logs} log messages`;
  }
}
