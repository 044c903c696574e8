import { replayList, replayView, sinkList } from '@switchyard/contracts';
import { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { tableLines } from '../terminal/table.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';
import { instantOf } from './audit-filters.js';

interface ReplayOptions extends GatewayOptions {
  readonly sink: string;
  readonly from: string;
  readonly to?: string;
  readonly deadLetters?: true;
  readonly wait: boolean;
}

const POLL_MS = 500;

/** `switchyard audit sinks`: how each sink is. */
export function sinks(terminal: Terminal): Command {
  return gatewayOptions(new Command('sinks').summary('show how each sink is')).action(async (options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    const { sinks: found } = await askApi(gateway, { path: '/api/v1/audit/sinks' }, sinkList);
    if (found.length === 0) return remark(terminal, 'There are no sinks; audit.sinks in switchyard.yaml has them.');
    const head = ['NAME', 'TYPE', 'STATE', 'BEHIND', 'OLDEST S', 'DELIVERED', 'REFUSED', 'DROPPED', 'REASON'];
    const rows = found.map((sink) => [
      sink.name,
      sink.type,
      sink.state,
      ...[sink.backlog, Math.ceil(sink.oldestMs / 1000), sink.delivered, sink.refused, sink.dropped].map(String),
      sink.reason,
    ]);
    print(terminal, ...tableLines([head, ...rows], { widthCharacters: undefined }));
  });
}

/** `switchyard audit replay`: sends a sink what is in the database again. */
export function replay(terminal: Terminal): Command {
  return gatewayOptions(new Command('replay').summary('send a sink the events of a time again'))
    .requiredOption('--sink <name>', 'the sink')
    .requiredOption('--from <time>', 'since then: 15m, 6h, 7d, or a time such as 2026-01-31T12:00:00Z', instantOf)
    .option('--to <time>', 'until then; unless given: now', instantOf)
    .option('--dead-letters', 'what the sink refused for good in that time, instead of what happened in it')
    .option('--no-wait', 'do not wait until all of it was sent')
    .action(async (options: ReplayOptions) => {
      const gateway = await findGateway(options, terminal);
      const path = `/api/v1/audit/sinks/${encodeURIComponent(options.sink)}/replays`;
      const body = {
        from: options.from,
        ...(options.to && { to: options.to }),
        ...(options.deadLetters && { source: 'dead-letters' }),
      };
      const { id } = await askApi(gateway, { method: 'POST', path, body }, replayView);
      if (!options.wait) return print(terminal, id);
      for (;;) {
        const { replays } = await askApi(gateway, { path }, replayList);
        const found = replays.find((one) => one.id === id);
        if (found?.state !== 'running') return print(terminal, `${found?.sent ?? 0} events were sent to ${options.sink}.`);
        await delay(POLL_MS);
      }
    });
}
