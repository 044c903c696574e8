/** How the lines of a table are parsed. */
export interface ParsedColumns {
  /** Names, as they stand in a statement. */
  readonly names: string;
  /** Names, types and defaults, as table functions take them. */
  readonly structure: string;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly expression: string;
}

const columnsOf = (
  table: string,
) => `SELECT name, type, default_kind AS kind, default_expression AS expression FROM system.columns
  WHERE database = currentDatabase() AND table = '${table}' AND default_kind IN ('', 'DEFAULT') ORDER BY position`;

const identifier = (name: string) => `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

/**
 * The columns of a table as they are parsed: texts as texts, whatever they are in the table. The engine parses a text of low cardinality into a
 * column of its own, each time, which takes longer than all the rest of an insert; to make many texts one such column takes next to nothing.
 * @param ask answers a statement that has no parameters, with no question of anybody before it
 * @throws what it throws
 */
export async function parsedColumns(ask: (sql: string) => Promise<readonly unknown[]>, table: string): Promise<ParsedColumns> {
  const columns = (await ask(columnsOf(table))) as Column[];
  const names = columns.map(({ name }) => identifier(name));
  const declarations = columns.map(({ type, kind, expression }, index) =>
    [names[index], type.replaceAll('LowCardinality(String)', 'String'), kind, expression].join(' ').trimEnd(),
  );
  return { names: names.join(', '), structure: declarations.join(', ') };
}
