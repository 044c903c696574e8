import type { Range } from './envelope.js';
import { isObjectAt, jsonAt, memberAt, membersOf, sliceAt, stringAt } from './json-walk.js';
import { memberEdits } from './member-edits.js';
import type { RevisionTable } from './revisions/revision-table.js';
import type { Edit } from './splice.js';
import { wrapSchemaEdits } from './wrapped-schema.js';

/** Why clients cannot use a tool, and would refuse the whole list for its sake. */
export type ToolFault = 'not_an_object' | 'no_name' | 'input_schema' | 'input_properties' | 'input_required';

/** A tool as a client can take it. */
export type ToolForm =
  | {
      readonly usable: true;
      /** Of the item; none where it can stay as it is. */
      readonly edits: readonly Edit[];
      /** What became of its output schema: where it is wrapped, so must `structuredContent` be (`downgradeResult`). */
      readonly output: 'as_is' | 'wrapped' | 'dropped';
    }
  | { readonly usable: false; readonly fault: ToolFault };

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const absentOr = (isRight: (value: unknown) => boolean, value: unknown): boolean => value === undefined || isRight(value);

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];
const TASK_SUPPORT: readonly unknown[] = [undefined, 'required', 'optional', 'forbidden'];

function isIcon(value: unknown): boolean {
  if (!isObject(value) || !isText(value['src']) || !absentOr(isText, value['mimeType'])) return false;
  return absentOr(isTextList, value['sizes']) && [undefined, 'light', 'dark'].some((theme) => theme === value['theme']);
}

/** Members that a tool can do without, and what they must be: clients refuse the list for one that is wrong. */
const OPTIONAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  description: isText,
  title: isText,
  annotations: (value) =>
    isObject(value) &&
    absentOr(isText, value['title']) &&
    HINTS.every((hint) => absentOr((set) => typeof set === 'boolean', value[hint])),
  icons: (value) => Array.isArray(value) && value.every(isIcon),
  execution: (value) => isObject(value) && TASK_SUPPORT.includes(value['taskSupport']),
  _meta: isObject,
};

/**
 * What an item of `tools/list` must become for a client of a revision ("Schema" of each). Clients refuse a list as a whole, so one bad
 * item must not get to them.
 * @param tool where the item stands
 */
export function downgradeTool(bytes: Buffer, tool: Range, client: RevisionTable): ToolForm {
  const members = membersOf(bytes, tool);
  if (members === undefined) return { usable: false, fault: 'not_an_object' };
  const valueOf = (name: string): Range | undefined => members.findLast(({ key }) => key === name)?.value;
  const name = valueOf('name');
  if (name === undefined || stringAt(bytes, name) === undefined) return { usable: false, fault: 'no_name' };
  const input = inputSchema(bytes, valueOf('inputSchema'), client);
  if (typeof input === 'string') return { usable: false, fault: input };
  const output = outputSchema(bytes, valueOf('outputSchema'), client);
  const wrong = members.filter(
    ({ key, value }) => Object.hasOwn(OPTIONAL, key) && OPTIONAL[key]?.(jsonAt(bytes, value)) === false,
  );
  const gone = [...wrong.map(({ key }) => key), ...(output.output === 'dropped' ? ['outputSchema'] : [])];
  const removals = memberEdits(tool, members, Object.fromEntries(gone.map((key) => [key, undefined])));
  return { usable: true, edits: [...removals, ...input, ...output.edits], output: output.output };
}

/** Whether the root of a schema says that it describes an object, in a dialect that is named by text. */
function describesObject(bytes: Buffer, schema: Range): boolean {
  const type = memberAt(bytes, schema, 'type');
  return type !== undefined && stringAt(bytes, type) === 'object' && namesDialect(bytes, schema);
}

function namesDialect(bytes: Buffer, schema: Range): boolean {
  const dialect = memberAt(bytes, schema, '$schema');
  return dialect === undefined || stringAt(bytes, dialect) !== undefined;
}

function inputSchema(bytes: Buffer, schema: Range | undefined, client: RevisionTable): Edit[] | ToolFault {
  if (schema === undefined || !describesObject(bytes, schema)) return 'input_schema';
  if (client.era === 'modern') return [];
  if (!hasTextList(bytes, memberAt(bytes, schema, 'required'))) return 'input_required';
  return propertyEdits(bytes, memberAt(bytes, schema, 'properties')) ?? 'input_properties';
}

const hasTextList = (bytes: Buffer, range: Range | undefined): boolean => absentOr(isTextList, range && jsonAt(bytes, range));

/**
 * Schemas of properties that are `true` or `false`, in words: old clients know objects only.
 * @returns undefined where a property has something else
 */
function propertyEdits(bytes: Buffer, properties: Range | undefined): Edit[] | undefined {
  if (properties === undefined) return [];
  const edits: Edit[] = [];
  const schemas = membersOf(bytes, properties);
  if (schemas === undefined) return undefined;
  for (const { value } of schemas) {
    if (isObjectAt(bytes, value)) continue;
    const text = sliceAt(bytes, value);
    if (text !== 'true' && text !== 'false') return undefined;
    edits.push({ range: value, text: text === 'true' ? '{}' : '{"not":{}}' });
  }
  return edits;
}

interface OutputForm {
  readonly output: 'as_is' | 'wrapped' | 'dropped';
  readonly edits: readonly Edit[];
}

const DROPPED: OutputForm = { output: 'dropped', edits: [] };

function outputSchema(bytes: Buffer, schema: Range | undefined, client: RevisionTable): OutputForm {
  if (schema === undefined) return { output: 'as_is', edits: [] };
  if (!isObjectAt(bytes, schema) || !namesDialect(bytes, schema)) return DROPPED;
  if (client.era === 'modern') return { output: 'as_is', edits: [] };
  if (!describesObject(bytes, schema)) {
    const edits = wrapSchemaEdits(bytes, schema);
    return edits === undefined ? DROPPED : { output: 'wrapped', edits };
  }
  const edits = propertyEdits(bytes, memberAt(bytes, schema, 'properties'));
  return edits === undefined || !hasTextList(bytes, memberAt(bytes, schema, 'required')) ? DROPPED : { output: 'as_is', edits };
}
