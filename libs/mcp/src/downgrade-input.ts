import type { Range } from './envelope.js';
import type { InputMethod } from './input-requests.js';
import { elementsOf, isObjectAt, memberAt, membersOf, sliceAt, stringAt } from './json-walk.js';
import { memberEdits } from './member-edits.js';
import type { ContentType, RevisionTable } from './revisions/revision-table.js';
import type { Edit } from './splice.js';

/** A request of a server's as a client can take it, or what in it the client's revision has no words for. */
export type InputForm =
  /** Edits of the params; none where they can stay as they are. */
  { readonly ok: true; readonly edits: readonly Edit[] } | { readonly ok: false; readonly lacks: string };

const AS_IS: InputForm = { ok: true, edits: [] };
const lacks = (what: string): InputForm => ({ ok: false, lacks: what });

/**
 * What the params of a request to a client must become for a client of a revision ("Elicitation", "Sampling" of each): choices with
 * titles become enums, several blocks of content become several messages. Clients refuse what they cannot parse, or show the user
 * something else than was asked; so what has no such form is refused in words instead.
 * @param params where they stand
 */
export function downgradeInput(bytes: Buffer, params: Range | undefined, method: InputMethod, client: RevisionTable): InputForm {
  if (params === undefined || method === 'roots/list') return AS_IS;
  return method === 'sampling/createMessage' ? sampling(bytes, params, client) : elicitation(bytes, params, client);
}

function elicitation(bytes: Buffer, params: Range, client: RevisionTable): InputForm {
  const mode = memberAt(bytes, params, 'mode');
  const named = mode === undefined ? 'form' : stringAt(bytes, mode);
  if (named === 'url') return client.elicitationModes.has('url') ? AS_IS : lacks('elicitation by URL');
  if (!client.elicitationModes.has('form')) return lacks('elicitation');
  const unnamed = client.elicitationNamesMode ? [] : memberEdits(params, membersOf(bytes, params) ?? [], { mode: undefined });
  if (client.elicitationTitledChoices) return { ok: true, edits: unnamed };
  const properties = memberAt(bytes, params, 'requestedSchema', 'properties');
  const edits: Edit[] = [...unnamed];
  for (const { value } of (properties && membersOf(bytes, properties)) ?? []) {
    const type = memberAt(bytes, value, 'type');
    if (type !== undefined && stringAt(bytes, type) === 'array') return lacks('a choice of several values');
    const choices = memberAt(bytes, value, 'oneOf');
    if (choices === undefined) continue;
    const plain = plainChoices(bytes, value, choices);
    if (plain === undefined) return lacks('a choice whose values are not named one by one');
    edits.push(...plain);
  }
  return { ok: true, edits };
}

/** `oneOf` of constants with titles, as `enum` with `enumNames`. */
function plainChoices(bytes: Buffer, schema: Range, choices: Range): Edit[] | undefined {
  const values: string[] = [];
  const titles: string[] = [];
  for (const choice of elementsOf(bytes, choices) ?? []) {
    const value = memberAt(bytes, choice, 'const');
    if (value === undefined || stringAt(bytes, value) === undefined) return undefined;
    const title = memberAt(bytes, choice, 'title');
    values.push(sliceAt(bytes, value));
    titles.push(title !== undefined && stringAt(bytes, title) !== undefined ? sliceAt(bytes, title) : sliceAt(bytes, value));
  }
  if (values.length === 0) return undefined;
  const changes = { oneOf: undefined, enum: `[${values.join(',')}]`, enumNames: `[${titles.join(',')}]` };
  return memberEdits(schema, membersOf(bytes, schema) ?? [], changes);
}

/** Revisions with tools in sampling have messages of several blocks as well. */
const hasBlocks = (client: RevisionTable): boolean => client.samplingContentTypes.has('tool_use');

function sampling(bytes: Buffer, params: Range, client: RevisionTable): InputForm {
  const tools = memberAt(bytes, params, 'tools') ?? memberAt(bytes, params, 'toolChoice');
  if (tools !== undefined && !hasBlocks(client)) return lacks('tools in sampling');
  const messages = memberAt(bytes, params, 'messages');
  const edits: Edit[] = [];
  for (const message of (messages && elementsOf(bytes, messages)) ?? []) {
    const content = memberAt(bytes, message, 'content');
    if (content === undefined) continue;
    const several = elementsOf(bytes, content);
    const blocks = several ?? [content];
    for (const block of blocks) {
      const type = isObjectAt(bytes, block) ? typeOf(bytes, block) : undefined;
      if (type !== undefined && !client.samplingContentTypes.has(type as ContentType))
        return lacks(`content of type "${type.slice(0, LONGEST_NAME)}" in sampling`);
    }
    if (several === undefined || hasBlocks(client)) continue;
    const role = memberAt(bytes, message, 'role');
    if (several.length === 0 || role === undefined) return lacks('a message without content');
    const text = several.map((block) => `{"role":${sliceAt(bytes, role)},"content":${sliceAt(bytes, block)}}`).join(',');
    edits.push({ range: message, text });
  }
  return { ok: true, edits };
}

const LONGEST_NAME = 32;

function typeOf(bytes: Buffer, block: Range): string | undefined {
  const type = memberAt(bytes, block, 'type');
  return type && stringAt(bytes, type);
}
