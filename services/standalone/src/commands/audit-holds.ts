import { legalHoldList, legalHoldSet, retentionView, type LegalHoldView, type RetainedTableView } from '@switchyard/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, remark, terminalWidth, type Terminal } from '../terminal/terminal.js';
import { instantOf } from './audit-filters.js';

interface AddOptions extends GatewayOptions {
  readonly reason: string;
  readonly principal?: string;
  readonly server?: string;
  readonly from?: string;
  readonly to?: string;
}

interface ReleaseOptions extends GatewayOptions {
  readonly reason: string;
}

const PATH = '/api/v1/legal-holds';
const HEAD = ['NAME', 'PRINCIPAL', 'SERVER', 'FROM', 'TO', 'SET', 'BY', 'REASON'];

/** `switchyard audit hold`: what must not be deleted, whatever its age. */
export function holdCommand(terminal: Terminal): Command {
  return new Command('hold')
    .summary('keep events from retention: legal holds')
    .addCommand(add(terminal))
    .addCommand(list(terminal))
    .addCommand(release(terminal));
}

function add(terminal: Terminal): Command {
  return gatewayOptions(new Command('add').summary('keep what matches all of this').argument('<name>', 'a name for it'))
    .requiredOption('--reason <text>', 'why; it is recorded')
    .option('--principal <who>', 'subject, e-mail address or name of the key')
    .option('--server <slug>', 'server')
    .option('--from <time>', 'only what happened at this time or later: 7d, or a time such as 2026-01-31T12:00:00Z', instantOf)
    .option('--to <time>', 'only what happened before', instantOf)
    .action(async (name: string, options: AddOptions) => {
      const gateway = await findGateway(options, terminal);
      const { reason, principal, server, from, to } = options;
      const said = { name, reason, principal, server, from, to };
      const body = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
      const { deleting, erasing = [] } = await askApi(gateway, { method: 'POST', path: PATH, body }, legalHoldSet);
      print(terminal, `What ${name} matches is kept until it is released.`);
      if (deleting !== undefined)
        remark(
          terminal,
          `Rows of ${deleting.table} were being deleted at that time: what arrived before ${deleting.cut} may be gone already.`,
        );
      for (const { subject, since } of erasing)
        remark(
          terminal,
          `What was captured of ${oneLine(subject)} was being erased since ${since}: what was captured until now may be unreadable.`,
        );
    });
}

function list(terminal: Terminal): Command {
  return gatewayOptions(new Command('list').summary('show every hold')).action(async (options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    const { holds } = await askApi(gateway, { path: PATH }, legalHoldList);
    if (holds.length === 0) return remark(terminal, 'There are no holds.');
    print(terminal, ...tableLines([HEAD, ...holds.map(holdRow)], { widthCharacters: terminalWidth(terminal) }));
  });
}

function release(terminal: Terminal): Command {
  return gatewayOptions(new Command('release').summary('release a hold').argument('<name>', 'its name'))
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action(async (name: string, options: ReleaseOptions) => {
      const gateway = await findGateway(options, terminal);
      const path = `${PATH}/${encodeURIComponent(name)}?${new URLSearchParams({ reason: options.reason }).toString()}`;
      await askApi(gateway, { method: 'DELETE', path }, z.unknown());
      print(terminal, `${name} is released. The next pass of retention may delete what it kept.`);
    });
}

const minute = (time: string | undefined) => time?.slice(0, 16) ?? '';

const holdRow = ({ name, principal = '', server = '', from, to, set_at: at, set_by: by, reason }: LegalHoldView) => [
  name,
  oneLine(principal),
  oneLine(server),
  minute(from),
  minute(to),
  minute(at),
  oneLine(by),
  oneLine(reason),
];

/** `switchyard audit retention`: how long rows are kept, and which are kept for longer, and why. */
export function retentionCommand(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('retention').summary('show how long what is recorded is kept, and what is kept for longer'),
  ).action(async (options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    const { at, failure, tables, holds } = await askApi(gateway, { path: '/api/v1/retention' }, retentionView);
    const head = ['TABLE', 'DAYS', 'BEFORE', 'DELETED', 'KEPT'];
    print(terminal, ...tableLines([head, ...tables.map(tableRow)], { widthCharacters: terminalWidth(terminal) }));
    remark(terminal, `Last pass: ${at ?? 'none yet'}.${failure === '' ? '' : ` ${failure}`} Legal holds: ${holds}.`);
  });
}

function tableRow({ table, days, cut, deleted, kept }: RetainedTableView): string[] {
  const why = kept.map(({ reason, rows, detail }) => `${rows} ${reason}${detail === '' ? '' : ` (${detail})`}`);
  return [table, days === 0 ? 'for good' : String(days), minute(cut), String(deleted), oneLine(why.join(', '))];
}
