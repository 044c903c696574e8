import { eventsPage, type EventView } from '@switchyard/contracts';
import { Command, InvalidArgumentError } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayAccess, type GatewayOptions } from '../gateway/find-gateway.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';
import { exportCommand, keyCommand, verifyCommand } from './audit-verify.js';

interface Filters {
  readonly since?: string;
  readonly type?: string;
  readonly server?: string;
  readonly upstream?: string;
  readonly capability?: string;
  readonly principal?: string;
  readonly outcome?: string;
  readonly requestId?: string;
}

interface QueryOptions extends GatewayOptions, Filters {
  readonly limit: number;
  readonly json?: true;
}

const POLL_MS = 1_000;
/** Events arrive a little after they happened, so watching looks back this far and leaves out what it has shown. */
const LOOK_BACK_MS = 10_000;

/** `switchyard audit`: the audit trail. */
export function command(terminal: Terminal): Command {
  return new Command('audit')
    .addCommand(query(terminal))
    .addCommand(tail(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(keyCommand(terminal))
    .addCommand(verifyCommand(terminal));
}

function query(terminal: Terminal): Command {
  return filterOptions(new Command('query').summary('show events, newest first'))
    .option('--limit <number>', 'most events shown', limit, 20)
    .action(async (options: QueryOptions) => {
      const gateway = await findGateway(options, terminal);
      const { events } = await ask(gateway, { ...parametersOf(options), limit: String(options.limit) });
      if (options.json) return print(terminal, ...events.map((event) => JSON.stringify(event)));
      if (events.length === 0) return remark(terminal, 'No events match.');
      print(terminal, ...tableLines([HEAD, ...events.map(row)], { widthCharacters: width(terminal) }));
    });
}

function tail(terminal: Terminal): Command {
  return filterOptions(new Command('tail').summary('show events as they happen, until Ctrl-C')).action(
    async (options: QueryOptions) => {
      const gateway = await findGateway(options, terminal);
      const shown = new Set<string>();
      const startedAtMs = Date.now();
      for (;;) {
        const from = new Date(Math.max(startedAtMs, Date.now() - LOOK_BACK_MS)).toISOString();
        const { events } = await ask(gateway, { ...parametersOf(options), from, limit: '1000' });
        const fresh = events.filter(({ event_id: id }) => !shown.has(id)).reverse();
        for (const event of fresh) shown.add(event.event_id);
        print(
          terminal,
          ...(options.json
            ? fresh.map((event) => JSON.stringify(event))
            : tableLines(fresh.map(row), { widthCharacters: width(terminal) })),
        );
        await delay(POLL_MS);
      }
    },
  );
}

function filterOptions(command: Command): Command {
  return gatewayOptions(command)
    .option('--since <time>', 'only what happened since: 15m, 6h, 7d, or a time such as 2026-01-31T12:00:00Z', since)
    .option('--type <type>', 'type of event, for example tool.called')
    .option('--server <slug>', 'server')
    .option('--upstream <name>', 'upstream')
    .option('--capability <name>', 'tool, prompt or resource')
    .option('--principal <who>', 'subject, e-mail address or name of the key')
    .option('--outcome <outcome>', 'ok, error, denied or cancelled')
    .option('--request-id <id>', 'X-Request-Id of the exchange')
    .option('--json', 'print one JSON object a line');
}

function parametersOf(options: Filters): Record<string, string> {
  const { since: from, requestId, type, server, upstream, capability, principal, outcome } = options;
  const all = { from, request_id: requestId, type, server, upstream, capability, principal, outcome };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function ask(gateway: GatewayAccess, parameters: Record<string, string>) {
  return askApi(gateway, { path: `/api/v1/events?${new URLSearchParams(parameters).toString()}` }, eventsPage);
}

const HEAD = ['TIME', 'TYPE', 'OUTCOME', 'WHO', 'SERVER', 'WHAT', 'MS', 'REASON'];

function row(event: EventView): string[] {
  const what = event.capability ?? event.upstream_capability ?? event.method ?? '';
  const outcome = event.outcome ?? '';
  const milliseconds = event.duration_us ?? event.upstream_us;
  return [
    event.occurred_at.slice(0, 23),
    event.type,
    outcome,
    oneLine(event.principal_name ?? ''),
    event.server ?? '',
    oneLine(event.upstream === undefined ? what : `${event.upstream}: ${what}`),
    milliseconds === undefined ? '' : (milliseconds / 1000).toFixed(1),
    event.reason ?? '',
  ];
}

const width = ({ stdout }: Terminal) => (stdout.isTTY ? stdout.columns : undefined);

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function since(text: string): string {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const instant =
    count !== undefined && unit !== undefined ? Date.now() - Number(count) * (UNIT_MS[unit] ?? 0) : Date.parse(text);
  if (Number.isNaN(instant)) throw new InvalidArgumentError('Give 15m, 6h, 7d, or a time such as 2026-01-31T12:00:00Z.');
  return new Date(instant).toISOString();
}

function limit(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('Give a number from 1 to 1000.');
}
