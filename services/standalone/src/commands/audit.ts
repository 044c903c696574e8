import { eventsPage } from '@switchyard/contracts';
import { Command, InvalidArgumentError } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, type GatewayAccess, type GatewayOptions } from '../gateway/find-gateway.js';
import { EVENT_HEAD, eventRow } from '../terminal/event-row.js';
import { jsonLine } from '../terminal/json-line.js';
import { tableLines } from '../terminal/table.js';
import { print, remark, terminalWidth, type Terminal } from '../terminal/terminal.js';
import { alerts, silence } from './audit-alerts.js';
import { downloadCommand } from './audit-download.js';
import { filterOptions, parametersOf, type Filters } from './audit-filters.js';
import { eraseCommand, payloadCommand } from './audit-payload.js';
import { holdCommand, retentionCommand } from './audit-holds.js';
import { statusCommand } from './audit-status.js';
import { storyCommand } from './audit-story.js';
import { rebuildCommand } from './audit-rebuild.js';
import { replay, sinks } from './audit-sinks.js';
import { tailCommand } from './audit-tail.js';
import { costCommand, usageCommand } from './audit-usage.js';
import { exportCommand, keyCommand, verifyCommand } from './audit-verify.js';

interface QueryOptions extends GatewayOptions, Filters {
  readonly limit: number;
  readonly json?: true;
}

/** `switchyard audit`: the audit trail. */
export function command(terminal: Terminal): Command {
  return new Command('audit')
    .addCommand(query(terminal))
    .addCommand(tailCommand(terminal))
    .addCommand(storyCommand(terminal))
    .addCommand(payloadCommand(terminal))
    .addCommand(eraseCommand(terminal))
    .addCommand(usageCommand(terminal))
    .addCommand(costCommand(terminal))
    .addCommand(statusCommand(terminal))
    .addCommand(downloadCommand(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(keyCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(sinks(terminal))
    .addCommand(replay(terminal))
    .addCommand(alerts(terminal))
    .addCommand(silence(terminal))
    .addCommand(rebuildCommand(terminal))
    .addCommand(retentionCommand(terminal))
    .addCommand(holdCommand(terminal));
}

function query(terminal: Terminal): Command {
  return filterOptions(new Command('query').summary('show events, newest first'))
    .option('--limit <number>', 'most events shown', limit, 20)
    .action(async (options: QueryOptions) => {
      const gateway = await findGateway(options, terminal);
      const { events } = await ask(gateway, { ...parametersOf(options), limit: String(options.limit) });
      if (options.json) return print(terminal, ...events.map((event) => jsonLine(event)));
      if (events.length === 0) return remark(terminal, 'No events match.');
      print(terminal, ...tableLines([[...EVENT_HEAD], ...events.map(eventRow)], { widthCharacters: terminalWidth(terminal) }));
    });
}

function ask(gateway: GatewayAccess, parameters: Record<string, string>) {
  return askApi(gateway, { path: `/api/v1/events?${new URLSearchParams(parameters).toString()}` }, eventsPage);
}

function limit(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new InvalidArgumentError('Give a number from 1 to 1000.');
}
