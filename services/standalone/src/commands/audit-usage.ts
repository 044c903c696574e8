import { costAnswer, usageAnswer, usageTop, type CostAnswer, type UsageGroup, type UsageRow } from '@switchyard/contracts';
import { Command, InvalidArgumentError, Option } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { jsonLine } from '../terminal/json-line.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, remark, terminalWidth, type Terminal } from '../terminal/terminal.js';
import { filterOptions, parametersOf, type Filters } from './audit-filters.js';

interface UsageOptions extends GatewayOptions, Filters {
  readonly by: readonly UsageGroup[];
  readonly interval?: string;
  readonly top?: string;
  readonly limit: number;
  readonly json?: true;
}

interface CostOptions extends GatewayOptions {
  readonly from?: string;
  readonly to?: string;
  readonly team?: string;
  readonly json?: true;
}

const GROUPS: readonly string[] = ['principal', 'team', 'client', 'server', 'upstream', 'capability'] satisfies UsageGroup[];
const MEASURES = ['calls', 'errors', 'denied', 'error_rate', 'p95', 'bytes', 'tokens', 'cost'];

/** `switchyard audit usage`: how much is called, and how well that goes. */
export function usageCommand(terminal: Terminal): Command {
  return filterOptions(new Command('usage').summary('show how much is called, how well that goes, and what it costs'))
    .option('--by <groups>', `by ${GROUPS.join(', ')}: up to three, with commas`, groupsOf, [] as UsageGroup[])
    .addOption(new Option('--interval <length>', 'a row for each').choices(['minute', 'hour', 'day', 'month']).conflicts('top'))
    .addOption(new Option('--top <measure>', 'the most of it first; with one --by').choices(MEASURES))
    .option('--limit <number>', 'most rows of --top', limit, 10)
    .action(async (options: UsageOptions) => {
      const gateway = await findGateway(options, terminal);
      const { by, interval, top } = options;
      const filters = parametersOf(options);
      const given: Record<string, string> =
        top === undefined
          ? { ...(by.length === 0 ? {} : { group_by: by.join(',') }), ...(interval === undefined ? {} : { interval }) }
          : { by: by.join(',') || 'capability', measure: top, limit: String(options.limit) };
      const path = `/api/v1/usage${top === undefined ? '' : '/top'}?${new URLSearchParams({ ...filters, ...given }).toString()}`;
      const answer = await askApi(gateway, { path }, top === undefined ? usageAnswer : usageTop);
      if (options.json) return print(terminal, ...answer.rows.map((row) => jsonLine({ ...row, currency: answer.currency })));
      if (answer.rows.length === 0) return remark(terminal, 'There were no calls.');
      print(terminal, ...tableLines(usageTable(answer.rows, answer.currency), { widthCharacters: terminalWidth(terminal) }));
    });
}

/** `switchyard audit cost`: what calls cost, by month and team. */
export function costCommand(terminal: Terminal): Command {
  return gatewayOptions(new Command('cost').summary('show what calls cost, by month and team'))
    .option('--from <month>', 'first month, such as 2026-01; unless given: this one')
    .option('--to <month>', 'last month; unless given: this one')
    .option('--team <name>', 'only calls of those who were in the team')
    .option('--json', 'print one JSON object a line')
    .action(async (options: CostOptions) => {
      const gateway = await findGateway(options, terminal);
      const { from, to, team } = options;
      const given = Object.entries({ from, to, team }).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const answer = await askApi(gateway, { path: `/api/v1/cost?${new URLSearchParams(given).toString()}` }, costAnswer);
      const { months, currency } = answer;
      if (options.json) return print(terminal, ...months.map((month) => jsonLine({ ...month, currency })));
      if (months.length === 0) return remark(terminal, 'There were no calls.');
      print(terminal, ...tableLines(costTable(answer), { widthCharacters: terminalWidth(terminal) }));
      if (currency === undefined) remark(terminal, 'There are no prices; audit.prices in switchyard.yaml has them.');
    });
}

type Column = readonly [head: string, value: (row: UsageRow) => string | number];

function usageTable(rows: readonly UsageRow[], currency: string | undefined): string[][] {
  const first = rows[0];
  const keys = Object.keys(first?.group ?? {}).filter((key) => GROUPS.includes(key)) as UsageGroup[];
  const figures: readonly Column[] = [
    ['CALLS', ({ calls }) => calls],
    ['ERRORS', ({ errors }) => errors],
    ['DENIED', ({ denied }) => denied],
    ['ERROR %', ({ error_rate: rate }) => (100 * rate).toFixed(1)],
    ['P50 MS', ({ duration_us: { p50 } }) => (p50 / 1000).toFixed(1)],
    ['P95 MS', ({ duration_us: { p95 } }) => (p95 / 1000).toFixed(1)],
    ['P99 MS', ({ duration_us: { p99 } }) => (p99 / 1000).toFixed(1)],
    ['BYTES', ({ bytes_in: received, bytes_out: sent }) => received + sent],
    ['TOKENS', ({ tokens }) => tokens.arguments + tokens.result],
    ...(currency === undefined ? [] : [[currency, ({ cost_micros: micros }) => money(micros)] as Column]),
  ];
  const columns: readonly Column[] = [
    ...(first?.at === undefined ? [] : [['FROM', ({ at = '' }) => at] as Column]),
    ...keys.map((key): Column => [key.toUpperCase(), (row) => nameOf(row, key)]),
  ];
  const cells = rows.map((row) => figures.map(([, value]) => String(value(row))));
  const widths = figures.map(([head], column) => Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const toTheRight = (row: readonly string[]) => row.map((cell, column) => cell.padStart(widths[column] ?? 0));
  return [
    [...columns.map(([head]) => head), ...toTheRight(figures.map(([head]) => head))],
    ...rows.map((row, index) => [...columns.map(([, value]) => String(value(row))), ...toTheRight(cells[index] ?? [])]),
  ];
}

/** The name of what is grouped by, where it has one. */
function nameOf({ group }: UsageRow, key: UsageGroup): string {
  const name = key === 'principal' ? group.principal_name : key === 'client' ? group.client_name : undefined;
  return oneLine(name || group[key] || '-');
}

function costTable({ months, currency = '' }: CostAnswer): string[][] {
  const rows = months.flatMap(({ month, teams, ...all }) => [
    { month, team: 'all together', ...all },
    ...teams.map(({ team, ...figures }) => ({ month: '', team: oneLine(team) || 'no team', ...figures })),
  ]);
  const head = `COST ${currency}`.trimEnd();
  const costs = rows.map(({ cost_micros: micros }) => money(micros));
  const calls = rows.map((row) => String(row.calls));
  const width = (title: string, cells: readonly string[]) => Math.max(title.length, ...cells.map((cell) => cell.length));
  const [callsWidth, costWidth] = [width('CALLS', calls), width(head, costs)];
  return [
    ['MONTH', 'TEAM', 'CALLS'.padStart(callsWidth), head.padStart(costWidth)],
    ...rows.map(({ month, team }, index) => [
      month,
      team,
      (calls[index] ?? '').padStart(callsWidth),
      (costs[index] ?? '').padStart(costWidth),
    ]),
  ];
}

/** Millionths of a currency as an amount: hundredths, and more where there is more to say. */
export function money(micros: number): string {
  const text = (micros / 1_000_000).toFixed(6);
  return text.replace(/0{1,4}$/, '');
}

function groupsOf(text: string): UsageGroup[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !GROUPS.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${JSON.stringify(unknown)} is none of ${GROUPS.join(', ')}.`);
  if (names.length > 3) throw new InvalidArgumentError('Give at most three.');
  return names as UsageGroup[];
}

function limit(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100) return count;
  throw new InvalidArgumentError('Give a number from 1 to 100.');
}
