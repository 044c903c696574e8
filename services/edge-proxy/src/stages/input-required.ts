import {
  declares,
  inputNeed,
  type InputNeed,
  type InputRequest,
  inputRequiredResponse,
  jsonAt,
  readInputRequired,
  requiredCapabilities,
} from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import { type Ending, refused } from '../ending.js';
import type { Call, Round } from '../exchange.js';
import { GATEWAY_INFO } from '../gateway-info.js';
import { Refusal } from '../refusal.js';
import { REQUEST_STATE_MS } from '../request-state.js';
import type { UpstreamMessage } from '../upstream/link.js';

/** The gateway as modern results name their server. */
export const SERVER_INFO_JSON = JSON.stringify(GATEWAY_INFO);

/**
 * Gives a result of type `input_required` on to the client (MCP 2026-07-28, "Multi Round-Trip Requests"): the requests as they are, the
 * state sealed.
 */
export function relayInputRequired(call: Call, upstream: string, { bytes, envelope }: UpstreamMessage, edge: Edge): Ending {
  const asked = readInputRequired(bytes, envelope);
  if (!asked.ok)
    return refused(
      new Refusal('upstream_invalid', `${upstream} asks for input in a way that cannot be read (${asked.fault}).`, { upstream }),
    );
  const undeclared = undeclaredNeeds(call, asked.requests);
  if (undeclared.length > 0) return refused(capabilityMissing(upstream, undeclared));
  const { requestStateJson } = asked;
  return inputRequired(
    call,
    asked.requests,
    requestStateJson && edge.requestStates.seal(call, upstream, { upstream: requestStateJson }, REQUEST_STATE_MS),
  );
}

/** Ends a round: the client is asked. @param requestStateJson JSON text of a sealed state */
export function inputRequired(call: Round, requests: readonly InputRequest[], requestStateJson: string | undefined): Ending {
  const { facts } = call.exchange;
  facts.detail = { ...facts.detail, result: 'input_required' };
  const bytes = inputRequiredResponse(call.inbound.envelope.id, { requests, requestStateJson }, SERVER_INFO_JSON);
  return { kind: 'response', status: 200, bytes, outcome: 'ok' };
}

/** What the client would have had to declare, in this request, to be asked these. */
export function undeclaredNeeds(call: Pick<Round, 'inbound'>, requests: readonly InputRequest[]): InputNeed[] {
  const { bytes, envelope } = call.inbound;
  const declared = envelope.clientCapabilitiesRange && jsonAt(bytes, envelope.clientCapabilitiesRange);
  return [...new Set(requests.map(inputNeed))].filter((need) => !declares(declared, need));
}

/** What needs a capability that the client has not declared cannot go on (MCP 2026-07-28, "Client Capabilities"). */
export function capabilityMissing(upstream: string, needs: readonly InputNeed[]): Refusal {
  return new Refusal(
    'client_capability_missing',
    `${upstream} needs to ask your client for something that it did not declare: ${needs.join(', ')}.`,
    { upstream, requiredCapabilities: requiredCapabilities(needs) },
  );
}
