import { eventView, tailEnd, tailReset } from '@switchyard/contracts';
import { Command } from 'commander';
import { findGateway, type GatewayAccess, type GatewayOptions } from '../gateway/find-gateway.js';
import { CliError } from '../terminal/cli-error.js';
import { eventRow } from '../terminal/event-row.js';
import { jsonLine } from '../terminal/json-line.js';
import { parseJsonText } from '../gateway/json-text.js';
import { tableLines } from '../terminal/table.js';
import { print, remark, terminalWidth, type Terminal } from '../terminal/terminal.js';
import { filterOptions, parametersOf, type Filters } from './audit-filters.js';

interface TailOptions extends GatewayOptions, Filters {
  readonly json?: true;
}

/** `switchyard audit tail`: events as they happen. */
export function tailCommand(terminal: Terminal): Command {
  return filterOptions(new Command('tail').summary('show events as they happen, until Ctrl-C')).action(
    async (options: TailOptions) => {
      const gateway = await findGateway(options, terminal);
      await follow(gateway, options, terminal);
    },
  );
}

async function follow(gateway: GatewayAccess, options: TailOptions, terminal: Terminal): Promise<void> {
  const { followApi } = await import('../gateway/follow-api.js');
  const path = `/api/v1/events/tail?${new URLSearchParams(parametersOf(options)).toString()}`;
  const widths: number[] = [];
  let ended = '';
  const onInterrupted = () => {
    remark(terminal, `${ended || 'The connection broke.'} It goes on where it ended as soon as it can.`);
    ended = '';
  };
  for await (const { event, data } of followApi(gateway, path, onInterrupted)) {
    const content = parseJsonText(data.toString('utf8'));
    if (event === 'message') show(content, options, terminal, gateway, widths);
    else if (event === 'end') ended = tailEnd.safeParse(content).data?.detail ?? '';
    else if (event === 'reset') remark(terminal, tailReset.safeParse(content).data?.detail ?? 'Events were missed.');
  }
}

/** @param widths of columns so far: they only grow, so that rows stand below each other */
function show(content: unknown, { json }: TailOptions, terminal: Terminal, { url }: GatewayAccess, widths: number[]): void {
  const parsed = eventView.safeParse(content);
  if (!parsed.success) throw new CliError(`What answers at ${url} is not a Switchyard gateway of this version. Check --url.`);
  if (json) return print(terminal, jsonLine(parsed.data));
  const row = eventRow(parsed.data);
  row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  print(terminal, ...tableLines([row], { atLeast: widths, widthCharacters: terminalWidth(terminal) }));
}
