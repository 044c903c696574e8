import { Command, Option } from 'commander';
import { once } from 'node:events';
import { readApi } from '../gateway/admin-client.js';
import { findGateway, type GatewayOptions } from '../gateway/find-gateway.js';
import { CliError } from '../terminal/cli-error.js';
import { remark, type Terminal } from '../terminal/terminal.js';
import { filterOptions, parametersOf, type Filters } from './audit-filters.js';

interface ExportOptions extends GatewayOptions, Filters {
  readonly format: 'ndjson' | 'csv';
  readonly to?: string;
  readonly cursor?: string;
}

/** More than the last line of an export can have. */
const TAIL_CHARACTERS = 16_384;

/** `switchyard audit download`: every event that matches, to standard output. */
export function downloadCommand(terminal: Terminal): Command {
  return filterOptions(new Command('download').summary('print every event that matches, newest first'))
    .addOption(new Option('--format <format>', 'one JSON object a line, or CSV').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--to <time>', 'only what happened before, such as 2026-01-31T12:00:00Z')
    .option('--cursor <place>', 'go on where an export ended early')
    .action(async (options: ExportOptions) => {
      const gateway = await findGateway(options, terminal);
      const { format, to, cursor } = options;
      const given = {
        ...parametersOf(options),
        format,
        ...(to === undefined ? {} : { to }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const answer = await readApi(gateway, { path: `/api/v1/events/export?${new URLSearchParams(given).toString()}` });
      const end = endOf(await passOn(answer, terminal));
      if (end?.complete !== true) throw new CliError(incomplete(end));
      remark(terminal, `${end.events} events. This is all of them.`);
    });
}

interface End {
  readonly complete: boolean;
  readonly events: string;
  readonly cursor?: string | undefined;
}

function incomplete(end: End | undefined): string {
  if (end?.cursor === undefined)
    return 'The export broke off. Go on with --cursor "<occurred_at>,<event_id>" of the last whole line.';
  return `The export ended early, after ${end.events} events. Go on with --cursor ${end.cursor}`;
}

/** Copies an answer to standard output no faster than that is read. @returns its last characters */
async function passOn(answer: AsyncIterable<Uint8Array>, { stdout }: Terminal): Promise<string> {
  let tail = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of answer) {
      tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL_CHARACTERS);
      if (!stdout.write(chunk)) await once(stdout, 'drain');
    }
  } catch (error) {
    // The body rejects with a TypeError where the connection broke (Fetch, "HTTP-network fetch"): what is there has no end then.
    if (!(error instanceof TypeError)) throw error;
  }
  return tail;
}

/** What the last line says; in CSV it is the record that begins with #export. */
function endOf(tail: string): End | undefined {
  const line = tail.trimEnd().split('\n').at(-1) ?? '';
  const [, complete, events = '', cursor] =
    /^\{"export":\{"complete":(true|false),"events":(\d+)(?:.*"next_cursor":"([^"]+)")?/.exec(line) ??
    /^"#export complete=(true|false) events=(\d+)(?:.* next_cursor=([^" ]+))?/.exec(line) ??
    [];
  return complete === undefined ? undefined : { complete: complete === 'true', events, cursor };
}
