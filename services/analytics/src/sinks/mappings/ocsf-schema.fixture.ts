import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Attribute {
  readonly type: string;
  readonly isObject?: true;
  readonly requirement: 'required' | 'recommended' | 'optional';
  readonly isArray?: true;
  /** Captions by value. */
  readonly values?: Readonly<Record<string, string>>;
  readonly sibling?: string;
  readonly profiles?: readonly string[];
  readonly isDeprecated?: true;
}

interface Entity {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly constraints?: { readonly at_least_one?: readonly string[]; readonly just_one?: readonly string[] };
}

interface Schema {
  readonly version: string;
  readonly classes: Readonly<Record<string, Entity>>;
  readonly objects: Readonly<Record<string, Entity>>;
  readonly types: Readonly<
    Record<string, { readonly type?: string; readonly regex?: string; readonly range?: readonly [number, number] }>
  >;
}

type Json = Readonly<Record<string, unknown>>;

const OTHER = 99;
const schema = JSON.parse(readFileSync(path.join(import.meta.dirname, 'published/ocsf-1.8.0.json'), 'utf8')) as Schema;

/** What an event has that the published schema of OCSF does not allow, or does not have and must. */
export function ocsfProblems(event: Json): string[] {
  const entity = schema.classes[String(event['class_uid'])];
  if (entity === undefined) return [`class_uid: ${String(event['class_uid'])} is no class that is known here`];
  const metadata = event['metadata'] as { readonly version?: unknown; readonly profiles?: readonly string[] };
  const profiles = new Set(metadata.profiles ?? []);
  const uid = Number(event['class_uid']) * 100 + Number(event['activity_id']);
  return [
    ...(metadata.version === schema.version ? [] : ['metadata.version: is of another schema']),
    ...(event['type_uid'] === uid ? [] : ['type_uid: is not made of class and activity']),
    ...entityProblems(entity, event, '', profiles),
  ];
}

function entityProblems({ attributes, constraints }: Entity, value: Json, at: string, profiles: ReadonlySet<string>): string[] {
  const applies = ({ profiles: of }: Attribute) => of === undefined || of.some((profile) => profiles.has(profile));
  const problems = Object.entries(value).flatMap(([name, one]) => {
    const attribute = attributes[name];
    if (attribute === undefined) return [`${at}${name}: is no attribute`];
    if (!applies(attribute)) return [`${at}${name}: is of the profile ${String(attribute.profiles)}`];
    if (attribute.isDeprecated) return [`${at}${name}: is deprecated`];
    return [...attributeProblems(attribute, one, `${at}${name}`, profiles), ...siblingProblems(attribute, name, value, at)];
  });
  const missing = Object.entries(attributes).filter(
    ([name, attribute]) => attribute.requirement === 'required' && applies(attribute) && value[name] === undefined,
  );
  const { at_least_one: any, just_one: one } = constraints ?? {};
  const count = (names: readonly string[]) => names.filter((name) => value[name] !== undefined).length;
  return [
    ...problems,
    ...missing.map(([name]) => `${at}${name}: is required`),
    ...(any !== undefined && count(any) === 0 ? [`${at || 'event'}: needs one of ${any.join(', ')}`] : []),
    ...(one !== undefined && count(one) !== 1 ? [`${at || 'event'}: needs just one of ${one.join(', ')}`] : []),
  ];
}

function attributeProblems(attribute: Attribute, value: unknown, at: string, profiles: ReadonlySet<string>): string[] {
  if (attribute.isArray === true) {
    if (!Array.isArray(value)) return [`${at}: is no array`];
    return value.flatMap((one, index) => valueProblems(attribute, one, `${at}[${index}]`, profiles));
  }
  return valueProblems(attribute, value, at, profiles);
}

function valueProblems(
  { type, isObject, values }: Attribute,
  value: unknown,
  at: string,
  profiles: ReadonlySet<string>,
): string[] {
  if (isObject === true) {
    const entity = schema.objects[type];
    if (entity === undefined) return [`${at}: is of ${type}, which tools/ocsf-schema.mjs leaves out`];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at}: is no object`];
    return type === 'object' ? [] : entityProblems(entity, value as Json, `${at}.`, profiles);
  }
  if (values !== undefined && !Object.hasOwn(values, String(value))) return [`${at}: ${String(value)} is not among its values`];
  return isOfType(type, value) ? [] : [`${at}: ${JSON.stringify(value)} is no ${type}`];
}

/** The caption beside an enumeration is the schema's own, unless it is another activity, type or state. */
function siblingProblems({ values, sibling }: Attribute, name: string, value: Json, at: string): string[] {
  if (values === undefined || sibling === undefined || value[sibling] === undefined || value[name] === OTHER) return [];
  const caption = values[String(value[name])];
  return value[sibling] === caption || String(value[name]).endsWith('99') ? [] : [`${at}${sibling}: is not "${caption}"`];
}

function isOfType(name: string, value: unknown): boolean {
  const { type, regex, range } = schema.types[name] ?? {};
  if (range !== undefined && !(Number(value) >= range[0] && Number(value) <= range[1])) return false;
  if (regex !== undefined && !new RegExp(regex).test(String(value))) return false;
  switch (type ?? name) {
    case 'string_t':
      return typeof value === 'string';
    case 'integer_t':
    case 'long_t':
      return Number.isSafeInteger(value);
    case 'float_t':
      return typeof value === 'number';
    case 'boolean_t':
      return typeof value === 'boolean';
    default:
      return name === 'json_t';
  }
}
