import type { Envelope, Range } from './envelope.js';
import { isObjectAt, elementsOf, memberAt, stringAt } from './json-walk.js';
import { CODES } from './jsonrpc.js';
import { type AskedByLegacy, changedText, isUrlMode } from './legacy-input.js';
import { MOST_INPUTS } from './input-requests.js';

/**
 * What the error "URL elicitation required" asks for (MCP 2025-11-25, "URL Mode Elicitation Required Error"), as input requests with
 * the keys `url-1`, `url-2`, … A client that consents calls again as it did before: such an upstream takes no answers.
 * @returns undefined for any other error, and for one that names no proper elicitation
 */
export function readUrlElicitations(bytes: Buffer, { errorCode, errorRange }: Envelope): readonly AskedByLegacy[] | undefined {
  if (errorCode !== CODES.urlElicitationRequired) return undefined;
  const list = memberAt(bytes, errorRange, 'data', 'elicitations');
  const elements = list && elementsOf(bytes, list);
  if (elements === undefined || elements.length === 0 || elements.length > MOST_INPUTS) return undefined;
  const asked = elements.map((element, index) => readElicitation(bytes, element, `url-${index + 1}`));
  return asked.every((one) => one !== undefined) ? asked : undefined;
}

function readElicitation(bytes: Buffer, element: Range, key: string): AskedByLegacy | undefined {
  if (!isObjectAt(bytes, element) || !isUrlMode(bytes, element)) return undefined;
  const text = (name: string): string | undefined => {
    const range = memberAt(bytes, element, name);
    return range && stringAt(bytes, range);
  };
  const elicitationId = text('elicitationId');
  if (elicitationId === undefined || text('url') === undefined || text('message') === undefined) return undefined;
  const paramsJson = changedText(bytes, element, { elicitationId: undefined, task: undefined });
  return { request: { key, method: 'elicitation/create', paramsJson }, elicitationId };
}

/**
 * The error with which a legacy server asks for elicitations by URL.
 * @param idText JSON text of the id of the request that it answers
 * @param asked elicitations by URL, each with its id
 */
export function urlElicitationRequired(idText: string, message: string, asked: readonly AskedByLegacy[]): Buffer {
  const elicitations = asked.map(({ request, elicitationId }) => {
    const params = Buffer.from(request.paramsJson ?? '');
    const object = { start: 0, end: params.length };
    if (elicitationId === undefined || params.length === 0 || !isUrlMode(params, object))
      throw new Error('only elicitations by URL, with an id, can be asked for in an error');
    return changedText(params, object, { elicitationId: JSON.stringify(elicitationId) });
  });
  const error = `{"code":${CODES.urlElicitationRequired},"message":${JSON.stringify(message)},"data":{"elicitations":[${elicitations.join(',')}]}}`;
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"error":${error}}`);
}
