import { toJson, type JsonValue } from '@bufbuild/protobuf';
import { SnapshotSchema, type Snapshot } from '@switchyard/contracts';

/** Longest text of changes; what does not fit is counted. */
const LIMIT_CHARACTERS = 4_000;

type Tree = Readonly<Record<string, JsonValue>>;

/** What entries of lists are known by. */
const NAMES = ['name', 'slug', 'clientId'] as const;
/** Differ in every snapshot, and say nothing. */
const OWN: ReadonlySet<string> = new Set(['revision', 'compiledAt']);

/**
 * What a configuration has that the one before had not, and the other way round: `+` added, `-` removed, `~` changed, each with its path,
 * in order. Values are left out: they may be people's addresses, and the history of snapshots has them.
 */
export function configChanges(before: Snapshot | undefined, after: Snapshot): string {
  const changes = before === undefined ? [] : differences(treeOf(before), treeOf(after), '');
  let text = '';
  for (const [index, change] of changes.entries()) {
    if (text.length + change.length > LIMIT_CHARACTERS) return `${text},… ${changes.length - index} more`;
    text += text === '' ? change : `,${change}`;
  }
  return text;
}

function treeOf(snapshot: Snapshot): Tree {
  const tree = toJson(SnapshotSchema, snapshot) as Tree;
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !OWN.has(name)));
}

function differences(before: Tree, after: Tree, path: string): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    const own = path + (/^\d+$/.test(name) ? `[${name}]` : path === '' ? name : `.${name}`);
    if (was === undefined) return [`+${own}`];
    if (is === undefined) return [`-${own}`];
    const [oldTree, newTree] = [entriesOf(was), entriesOf(is)];
    if (oldTree !== undefined && newTree !== undefined) return differences(oldTree, newTree, own);
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [`~${own}`];
  });
}

/** Members of an object, or of a list of objects, by name where they have one. Lists of texts are one value. */
function entriesOf(value: JsonValue): Tree | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return value;
  if (value.some((entry) => typeof entry !== 'object' || entry === null || Array.isArray(entry))) return undefined;
  return Object.fromEntries((value as Tree[]).map((entry, index) => [nameOf(entry) ?? String(index), entry]));
}

function nameOf(entry: Tree): string | undefined {
  const name = NAMES.map((key) => entry[key]).find((text) => typeof text === 'string');
  return typeof name === 'string' ? name : undefined;
}
