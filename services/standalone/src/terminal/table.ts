const GAP = '  ';

/**
 * Lines of an aligned table; the last column runs free, shortened to fit.
 * @param rows cells; every row has as many
 * @param o.indent put before every line
 * @param o.atLeast widths of columns, where rows come one by one
 * @param o.widthCharacters longest line; unlimited where the output is no terminal
 */
export function tableLines(
  rows: readonly (readonly string[])[],
  o: { readonly indent?: string; readonly atLeast?: readonly number[]; readonly widthCharacters?: number | undefined } = {},
): string[] {
  const { indent = '', atLeast = [], widthCharacters = Infinity } = o;
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(atLeast[column] ?? 0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) => {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
    return shorten(`${indent}${cells.join(GAP)}`.trimEnd(), widthCharacters);
  });
}

/** What moves a terminal's cursor, or turns the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** First line of a text, without what a terminal would obey: names and descriptions come from upstreams. */
export const oneLine = (text: string) => (text.trimStart().split('\n', 1)[0] ?? '').replace(UNPRINTABLE, ' ').trimEnd();

function shorten(line: string, widthCharacters: number): string {
  return line.length <= widthCharacters ? line : `${line.slice(0, widthCharacters - 1)}…`;
}
