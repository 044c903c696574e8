import { alertList, silenceView, type AlertView } from '@switchyard/contracts';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, remark, terminalWidth, type Terminal } from '../terminal/terminal.js';

interface SilenceOptions extends GatewayOptions {
  readonly for: number;
  readonly reason: string;
}

const HEAD = ['NAME', 'KIND', 'STATE', 'SINCE', 'COUNT', 'SILENCED', 'TOLD', 'WHAT'];

/** `switchyard audit alerts`: how each alert is. */
export function alerts(terminal: Terminal): Command {
  return gatewayOptions(new Command('alerts').summary('show how each alert is')).action(async (options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    const { alerts: found } = await askApi(gateway, { path: '/api/v1/alerts' }, alertList);
    if (found.length === 0) return remark(terminal, 'There are no alerts; audit.alerts in switchyard.yaml has them.');
    print(terminal, ...tableLines([HEAD, ...found.map(row)], { widthCharacters: terminalWidth(terminal) }));
  });
}

function row({ name, kind, state, since, count, silenced, silencedUntil, deliveries, firing, failure }: AlertView): string[] {
  const told = deliveries.map(({ channel, state: became }) => (became === 'delivered' ? channel : `${channel} (${became})`));
  return [
    name,
    kind,
    state,
    minute(since),
    String(count),
    silenced ? minute(silencedUntil) || 'now' : '',
    told.join(', '),
    oneLine(failure || (firing[0]?.what ?? '')),
  ];
}

const minute = (time: string | undefined) => time?.slice(0, 16) ?? '';

/** `switchyard audit silence`: has nobody told of an alert for a time. */
export function silence(terminal: Terminal): Command {
  return gatewayOptions(new Command('silence').summary('have nobody told of an alert for a time').argument('<alert>', 'its name'))
    .requiredOption('--for <time>', 'how long: 30m, 6h, 2d, or 0 to end such a time', milliseconds)
    .option('--reason <text>', 'why; it is recorded', 'not said')
    .action(async (name: string, options: SilenceOptions) => {
      const gateway = await findGateway(options, terminal);
      const path = `/api/v1/alerts/${encodeURIComponent(name)}/silence`;
      if (options.for === 0) {
        await askApi(gateway, { method: 'DELETE', path }, z.unknown());
        return print(terminal, `${name} is told again.`);
      }
      const body = { until: new Date(Date.now() + options.for).toISOString(), reason: options.reason };
      const { until } = await askApi(gateway, { method: 'POST', path, body }, silenceView);
      print(terminal, `Nobody is told of ${name} until ${until}.`);
    });
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number {
  if (text === '0') return 0;
  const [, count, unit = ''] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('Give 30m, 6h, 2d, or 0.');
  return Number(count) * (UNIT_MS[unit] ?? 0);
}
