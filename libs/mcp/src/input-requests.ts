import type { Envelope, Range } from './envelope.js';
import { isObjectAt, memberAt, membersOf, sliceAt, stringAt } from './json-walk.js';
import { META_KEYS } from './meta-keys.js';

/** Requests of servers to clients: of their own in the legacy era, embedded in results in the modern one. */
export type InputMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list';

/** One thing that a server wants from a client, without a JSON-RPC frame. */
export interface InputRequest {
  /** Names the request within its result; chosen by the server. */
  readonly key: string;
  readonly method: InputMethod;
  /** JSON text of the params, an object. */
  readonly paramsJson?: string | undefined;
}

/** What a server asks for before it goes on. At least one of the two is there. */
export interface InputRequired {
  readonly ok: true;
  readonly requests: readonly InputRequest[];
  /** JSON text of a string, which the retry gives back as it is. */
  readonly requestStateJson?: string | undefined;
}

/** Why input requests or responses cannot be read. */
export interface InputFault {
  readonly ok: false;
  readonly fault: 'nothing_asked' | 'not_an_object' | 'unknown_method' | 'repeated_key' | 'too_many' | 'state_not_text';
}

/** Most requests of one result, and most responses of one retry. */
export const MOST_INPUTS = 64;

const METHODS: ReadonlySet<string> = new Set<InputMethod>(['elicitation/create', 'sampling/createMessage', 'roots/list']);

/** Whether the method is one that servers ask clients with. */
export function isInputMethod(method: string | undefined): method is InputMethod {
  return method !== undefined && METHODS.has(method);
}

export const inputFault = (fault: InputFault['fault']): InputFault => ({ ok: false, fault });

/** Reads a result of type `input_required` (MCP 2026-07-28, "Multi Round-Trip Requests"). */
export function readInputRequired(bytes: Buffer, envelope: Envelope): InputRequired | InputFault {
  const { inputRequestsRange, requestStateRange } = envelope;
  if (requestStateRange !== undefined && stringAt(bytes, requestStateRange) === undefined) return inputFault('state_not_text');
  const requestStateJson = requestStateRange && sliceAt(bytes, requestStateRange);
  const requests = inputRequestsRange === undefined ? [] : readRequests(bytes, inputRequestsRange);
  if ('fault' in requests) return requests;
  if (requests.length === 0 && requestStateJson === undefined) return inputFault('nothing_asked');
  return { ok: true, requests, requestStateJson };
}

function readRequests(bytes: Buffer, range: Range): readonly InputRequest[] | InputFault {
  const members = membersOf(bytes, range);
  if (members === undefined) return inputFault('not_an_object');
  if (members.length > MOST_INPUTS) return inputFault('too_many');
  if (new Set(members.map(({ key }) => key)).size < members.length) return inputFault('repeated_key');
  const requests: InputRequest[] = [];
  for (const { key, value } of members) {
    if (!isObjectAt(bytes, value)) return inputFault('not_an_object');
    const methodRange = memberAt(bytes, value, 'method');
    const method = methodRange && stringAt(bytes, methodRange);
    if (!isInputMethod(method)) return inputFault('unknown_method');
    const params = memberAt(bytes, value, 'params');
    // Only roots/list has nothing to say.
    if (params === undefined ? method !== 'roots/list' : !isObjectAt(bytes, params)) return inputFault('not_an_object');
    requests.push({ key, method, paramsJson: params && sliceAt(bytes, params) });
  }
  return requests;
}

/**
 * A result of type `input_required` (MCP 2026-07-28, "Multi Round-Trip Requests").
 * @param idText JSON text of the id of the request that it answers
 * @param asked `requestStateJson`: JSON text of a string
 * @param serverInfoJson JSON text of the server's Implementation object
 * @throws Error where nothing is asked for
 */
export function inputRequiredResponse(
  idText: string,
  asked: Pick<InputRequired, 'requests' | 'requestStateJson'>,
  serverInfoJson?: string,
): Buffer {
  const { requests, requestStateJson } = asked;
  if (requests.length === 0 && requestStateJson === undefined) throw new Error('an input_required result asks for something');
  const map = requests.map(
    ({ key, method, paramsJson }) =>
      `${JSON.stringify(key)}:{"method":"${method}"${paramsJson === undefined ? '' : `,"params":${paramsJson}`}}`,
  );
  const members = [
    '"resultType":"input_required"',
    ...(requests.length > 0 ? [`"inputRequests":{${map.join(',')}}`] : []),
    ...(requestStateJson === undefined ? [] : [`"requestState":${requestStateJson}`]),
    ...(serverInfoJson === undefined ? [] : [`"_meta":{"${META_KEYS.serverInfo}":${serverInfoJson}}`]),
  ];
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"result":{${members.join(',')}}}`);
}
