/** What a rule judges one by one. */
export type GroupName = 'server' | 'upstream' | 'tool' | 'principal' | 'client' | 'agent';

/** One of those. Columns and names are expressions over an event; `title` says which it is, from what they give. */
interface Group {
  readonly columns: Readonly<Record<string, string>>;
  /** How it is called: of several names that it had, the latest. */
  readonly name?: string;
  readonly title: (about: Readonly<Record<string, string>>) => string;
}

const nameOr = (name: string | undefined, id: string | undefined, nobody: string) => name || id || nobody;

/** Every group: one row. */
export const GROUPS: Readonly<Record<GroupName, Group>> = {
  server: { columns: { server: 'server' }, title: ({ server }) => (server ? `server ${server}` : 'no server') },
  upstream: { columns: { upstream: 'upstream' }, title: ({ upstream }) => (upstream ? `upstream ${upstream}` : 'no upstream') },
  tool: {
    columns: { server: 'server', upstream: 'upstream', tool: 'capability' },
    title: ({ server, tool }) => `${tool} on ${server}`,
  },
  principal: {
    columns: { issuer: 'principal_issuer', subject: 'principal_subject' },
    name: 'argMax(principal_name, occurred_at)',
    title: ({ name, subject }) => nameOr(name, subject, 'somebody who is not known'),
  },
  client: {
    columns: { client: 'client_id' },
    name: 'argMax(client_name, occurred_at)',
    title: ({ name, client }) => `client ${nameOr(name, client, 'that is not known')}`,
  },
  // The nearest of those who act for the principal.
  agent: { columns: { agent: "splitByChar(' ', on_behalf_of)[1]" }, title: ({ agent }) => `agent ${agent}` },
};

/** Columns of a query that tell groups apart: `SELECT` parts, and their names for `GROUP BY`. */
export function groupSql(group: GroupName): { readonly select: readonly string[]; readonly by: readonly string[] } {
  const { columns, name } = GROUPS[group];
  const select = Object.entries(columns).map(([alias, expression]) => `toString(${expression}) AS group_${alias}`);
  const by = Object.keys(columns).map((alias) => `group_${alias}`);
  return { select: name === undefined ? select : [...select, `${name} AS named`], by };
}

/** What a row of such a query is about, and how that is called. */
export function groupOf(group: GroupName, row: Readonly<Record<string, unknown>>) {
  const { columns, title } = GROUPS[group];
  const parts = Object.keys(columns).map((alias) => [alias, textOf(row[`group_${alias}`])] as const);
  const named = textOf(row['named']);
  const all = Object.fromEntries([...parts, ...(named === '' ? [] : [['name', named] as const])]) as Record<string, string>;
  const about = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')) as Record<string, string>;
  return { key: JSON.stringify(parts.map(([, value]) => value)), about, title: title(all) };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');
