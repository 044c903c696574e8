/** An argument that clients repeat in a header field of its call. */
export interface MirroredParameter {
  /** What follows `Mcp-Param-`. */
  readonly header: string;
  /** Where the value stands in the arguments. */
  readonly path: readonly string[];
}

const ANNOTATION = 'x-mcp-header';
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Names whose header fields steer connections or carry credentials: what has them is meant to be mistaken. In lower case. */
const MISLEADING: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'host',
  'proxy-authorization',
  'set-cookie',
  'transfer-encoding',
]);
const MIRRORED_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

/** Keywords of JSON Schema 2020-12 that hold a schema, a list of them, or schemas by name; `properties` apart, nothing in them can be mirrored. */
const SCHEMA_KEYWORDS = [
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LIST_KEYWORDS = ['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems'];
const MAP_KEYWORDS = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties'];

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Finds the parameters of a tool that clients mirror into `Mcp-Param-*` (MCP 2026-07-28, "x-mcp-header").
 * @param inputSchema JSON that has passed the gate, so it is not deeper than the gate lets pass
 * @returns them, or why clients must leave the tool out
 */
export function mirroredParameters(
  inputSchema: unknown,
): { readonly parameters: readonly MirroredParameter[] } | { readonly unusable: string } {
  const parameters: MirroredParameter[] = [];
  const unusable = collect(inputSchema, [], parameters);
  if (unusable !== undefined) return { unusable };
  const names = new Set(parameters.map(({ header }) => header.toLowerCase()));
  return names.size === parameters.length ? { parameters } : { unusable: 'two parameters have the same header field' };
}

/** @param path undefined where values have no fixed place in the arguments */
function collect(schema: unknown, path: readonly string[] | undefined, found: MirroredParameter[]): string | undefined {
  if (!isObject(schema)) return undefined;
  if (Object.hasOwn(schema, ANNOTATION)) {
    const header = schema[ANNOTATION];
    if (path === undefined || path.length === 0)
      return 'a header field is asked for where there is no parameter of a fixed place';
    if (typeof header !== 'string' || !TOKEN.test(header)) return 'a header field has a name that is none';
    if (MISLEADING.has(header.toLowerCase())) return 'a header field has the name of one that steers connections or credentials';
    if (!MIRRORED_TYPES.has(schema.type)) return 'a header field is asked for a value that is no string, integer or boolean';
    found.push({ header, path });
  }
  for (const [name, property] of entriesOf(schema.properties)) {
    const unusable = collect(property, path && [...path, name], found);
    if (unusable !== undefined) return unusable;
  }
  for (const inner of elsewhere(schema)) {
    const unusable = collect(inner, undefined, found);
    if (unusable !== undefined) return unusable;
  }
  return undefined;
}

const entriesOf = (value: unknown): readonly [string, unknown][] => (isObject(value) ? Object.entries(value) : []);

function elsewhere(schema: Json): readonly unknown[] {
  return [
    ...SCHEMA_KEYWORDS.map((keyword) => schema[keyword]),
    ...LIST_KEYWORDS.flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as unknown[]) : [])),
    ...MAP_KEYWORDS.flatMap((keyword) => entriesOf(schema[keyword]).map(([, inner]) => inner)),
  ];
}
