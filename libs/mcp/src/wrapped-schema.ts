import type { Range } from './envelope.js';
import { elementsOf, isObjectAt, membersOf, sliceAt, stringAt } from './json-walk.js';
import type { Edit } from './splice.js';

/** Keywords whose values are data: what looks like a reference in them is none (JSON Schema 2020-12). */
const DATA_KEYWORDS = new Set(['const', 'enum', 'default', 'examples']);
/** Keywords whose values are schemas under names of the author's choice. */
const NAMED_SCHEMAS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies']);
const NEW_ROOT = '#/properties/result';

/**
 * The edits that wrap an output schema whose root is no object, for clients of revisions that know no other: what it describes becomes
 * the member `result` of an object (MCP 2025-11-25, "Tools", "Output Schema"). References to its own parts follow it.
 * @param schema where the schema stands, an object
 * @returns undefined where references cannot follow: `$recursiveRef` always means the root
 */
export function wrapSchemaEdits(bytes: Buffer, schema: Range): Edit[] | undefined {
  const members = membersOf(bytes, schema) ?? [];
  const dialect = members.findLast(({ key }) => key === '$schema')?.value;
  const dialectMember = dialect && stringAt(bytes, dialect) !== undefined ? `"$schema":${sliceAt(bytes, dialect)},` : '';
  const references: Edit[] = [];
  if (!followReferences(bytes, schema, false, references)) return undefined;
  return [
    { range: { start: schema.start, end: schema.start }, text: `{${dialectMember}"type":"object","properties":{"result":` },
    ...references,
    { range: { start: schema.end, end: schema.end }, text: '},"required":["result"]}' },
  ];
}

/** Notes the edits of all references below a value. Returns false at one that cannot be changed. @param named whether its keys are names */
function followReferences(bytes: Buffer, value: Range, named: boolean, edits: Edit[]): boolean {
  const elements = elementsOf(bytes, value);
  if (elements !== undefined) return elements.every((element) => followReferences(bytes, element, false, edits));
  const members = membersOf(bytes, value);
  if (members === undefined) return true;
  // Below an $id, references are relative to it.
  if (!named && members.some(({ key, value: id }) => key === '$id' && !isFragment(bytes, id))) return true;
  return members.every(({ key, value: inner }) => {
    if (named) return followReferences(bytes, inner, false, edits);
    if (key === '$recursiveRef') return false;
    if (key === '$ref' || key === '$dynamicRef') return followReference(bytes, inner, edits);
    return DATA_KEYWORDS.has(key) || followReferences(bytes, inner, NAMED_SCHEMAS.has(key) && isObjectAt(bytes, inner), edits);
  });
}

/** `"#item"` is how draft-07 spells an anchor, not a base. */
function isFragment(bytes: Buffer, id: Range): boolean {
  return stringAt(bytes, id)?.startsWith('#') === true;
}

function followReference(bytes: Buffer, range: Range, edits: Edit[]): true {
  const reference = stringAt(bytes, range);
  if (reference === '#' || reference?.startsWith('#/') === true)
    edits.push({ range, text: JSON.stringify(NEW_ROOT + reference.slice(1)) });
  return true;
}
