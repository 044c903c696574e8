import type { InputRequest } from './input-requests.js';
import type { RevisionTable } from './revisions/revision-table.js';

/** The client capability that an input request needs: `elicitation.url` is the member `url` of `elicitation`. */
export type InputNeed = 'elicitation.form' | 'elicitation.url' | 'sampling' | 'sampling.tools' | 'roots';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a client must have declared to be asked this (MCP 2026-07-28, "Client Capabilities"). */
export function inputNeed({ method, paramsJson }: InputRequest): InputNeed {
  if (method === 'roots/list') return 'roots';
  const params: unknown = paramsJson === undefined ? {} : JSON.parse(paramsJson);
  const has = (name: string): boolean => isObject(params) && params[name] !== undefined;
  if (method === 'sampling/createMessage') return has('tools') || has('toolChoice') ? 'sampling.tools' : 'sampling';
  return isObject(params) && params['mode'] === 'url' ? 'elicitation.url' : 'elicitation.form';
}

/** Whether declared capabilities meet a need. `elicitation` without any mode means forms, as it did before there were modes. */
export function declares(capabilities: unknown, need: InputNeed): boolean {
  const [name = '', member] = need.split('.');
  const capability = isObject(capabilities) ? capabilities[name] : undefined;
  if (!isObject(capability)) return false;
  if (member === undefined || isObject(capability[member])) return true;
  return need === 'elicitation.form' && capability['form'] === undefined && capability['url'] === undefined;
}

/** Needs in the shape of ClientCapabilities: `data.requiredCapabilities` of the error for a missing capability. */
export function requiredCapabilities(needs: readonly InputNeed[]): Record<string, Record<string, object>> {
  const required: Record<string, Record<string, object>> = {};
  for (const need of needs) {
    const [name = '', member] = need.split('.');
    required[name] = { ...required[name], ...(member !== undefined && { [member]: {} }) };
  }
  return required;
}

/**
 * What a client declared, as it can be declared to an upstream of another revision: only what that revision has, and only what the
 * gateway carries over. Settings of extensions and experiments belong to the peers and stay as they are.
 * @param declared the client's ClientCapabilities
 * @param upstream what the upstream's revision has
 * @param carried capabilities that the gateway can serve on the way back: `elicitation`, `sampling`, `roots`, `extensions`, `experimental`
 */
export function capabilitiesFor(declared: unknown, upstream: RevisionTable, carried: ReadonlySet<string>): Json {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(isObject(declared) ? declared : {})) {
    const isKnown = upstream.clientCapabilities.has(name) || name === 'extensions';
    if (!isKnown || !carried.has(name) || !isObject(value)) continue;
    const adapted = adapt(name, value, upstream);
    if (adapted !== undefined) kept[name] = adapted;
  }
  return kept;
}

function adapt(name: string, value: Json, upstream: RevisionTable): Json | undefined {
  // Without a handshake there is nobody to tell that roots have changed.
  if (name === 'roots') return upstream.era === 'modern' ? {} : value;
  if (name === 'sampling' && !upstream.samplingContentTypes.has('tool_use')) {
    const { tools: _unknown, ...known } = value;
    return known;
  }
  if (name !== 'elicitation' || upstream.elicitationModes.has('url')) return value;
  return declares({ elicitation: value }, 'elicitation.form') ? {} : undefined;
}
