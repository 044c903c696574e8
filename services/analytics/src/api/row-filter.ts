import type { Engine } from '../engine/engine.js';

const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/**
 * The setting that keeps a query to one tenant's rows, whatever the query itself says: the database adds the condition to every table that has
 * tenants, wherever in the query it is read. Why not row policies: docs/adr/0076-rows-of-one-tenant.md.
 * @throws EngineError
 */
export async function rowFilter(engine: Pick<Engine, 'query'>, tenant: string): Promise<string> {
  const rows = (await engine.query(
    `SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'tenant' ORDER BY table`,
  )) as readonly { readonly table: string }[];
  const condition = quoted(`tenant = ${quoted(tenant)}`);
  return `additional_table_filters = {${rows.map(({ table }) => `${quoted(table)}: ${condition}`).join(', ')}}`;
}
