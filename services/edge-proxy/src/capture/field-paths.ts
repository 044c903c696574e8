/** A set of paths within a JSON value, as a tree: what stays readable of it. */
export interface FieldPaths {
  /** Whether this place, and all that is in it, stays readable. */
  readonly whole: boolean;
  readonly members: ReadonlyMap<string, FieldPaths>;
}

interface Growing {
  whole: boolean;
  readonly members: Map<string, Growing>;
}

/** Any one name, or place in a list. */
const ANY = '*';

export const NO_FIELDS: FieldPaths = { whole: false, members: new Map() };
const ALL_FIELDS: FieldPaths = { whole: true, members: new Map() };

/** Compiles paths of the configuration: names joined by ".". */
export function compileFieldPaths(paths: readonly string[]): FieldPaths {
  const root: Growing = { whole: false, members: new Map() };
  for (const path of paths) {
    let place = root;
    for (const name of path.split('.')) {
      const next = place.members.get(name) ?? { whole: false, members: new Map<string, Growing>() };
      place.members.set(name, next);
      place = next;
    }
    place.whole = true;
  }
  return root;
}

/** What stays readable of a member. */
export function fieldsBelow(fields: FieldPaths, name: string): FieldPaths {
  if (fields.whole) return ALL_FIELDS;
  if (fields.members.size === 0) return NO_FIELDS;
  const own = fields.members.get(name);
  const any = fields.members.get(ANY);
  if (own === undefined || any === undefined || own === any) return own ?? any ?? NO_FIELDS;
  return own.whole || any.whole ? ALL_FIELDS : { whole: false, members: joined(own.members, any.members) };
}

function joined(one: FieldPaths['members'], other: FieldPaths['members']): FieldPaths['members'] {
  const members = new Map(one);
  for (const [name, fields] of other) {
    const known = members.get(name);
    const both = known && { whole: known.whole || fields.whole, members: joined(known.members, fields.members) };
    members.set(name, both ?? fields);
  }
  return members;
}
