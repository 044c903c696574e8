import { eventsPage, type EventView } from '@switchyard/contracts';
import { Command, InvalidArgumentError } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, type GatewayAccess, type GatewayOptions } from '../gateway/find-gateway.js';
import { jsonLine } from '../terminal/json-line.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, remark, terminalWidth, type Terminal } from '../terminal/terminal.js';
import { downloadCommand } from './audit-download.js';
import { filterOptions, parametersOf, type Filters } from './audit-filters.js';
import { storyCommand } from './audit-story.js';
import { replay, sinks } from './audit-sinks.js';
import { exportCommand, keyCommand, verifyCommand } from './audit-verify.js';

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
    .addCommand(storyCommand(terminal))
    .addCommand(downloadCommand(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(keyCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(sinks(terminal))
    .addCommand(replay(terminal));
}

function query(terminal: Terminal): Command {
  return filterOptions(new Command('query').summary('show events, newest first'))
    .option('--limit <number>', 'most events shown', limit, 20)
    .action(async (options: QueryOptions) => {
      const gateway = await findGateway(options, terminal);
      const { events } = await ask(gateway, { ...parametersOf(options), limit: String(options.limit) });
      if (options.json) return print(terminal, ...events.map((event) => jsonLine(event)));
      if (events.length === 0) return remark(terminal, 'No events match.');
      print(terminal, ...tableLines([HEAD, ...events.map(row)], { widthCharacters: terminalWidth(terminal) }));
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
            ? fresh.map((event) => jsonLine(event))
            : tableLines(fresh.map(row), { widthCharacters: terminalWidth(terminal) })),
        );
        await delay(POLL_MS);
      }
    },
  );
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
    oneLine(event.type),
    oneLine(outcome),
    oneLine(event.principal_name ?? ''),
    oneLine(event.server ?? ''),
    oneLine(event.upstream === undefined ? what : `${event.upstream}: ${what}`),
    milliseconds === undefined ? '' : (milliseconds / 1000).toFixed(1),
    oneLine(event.reason ?? ''),
  ];
}

function limit(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('Give a number from 1 to 1000.');
}
