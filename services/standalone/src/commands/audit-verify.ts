import { verifyExport, type BrokenExport, type VerifiedExport } from '@switchyard/audit';
import { auditKeys } from '@switchyard/contracts';
import { Command } from 'commander';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { askApi, readApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { parseJsonText } from '../gateway/json-text.js';
import { CliError } from '../terminal/cli-error.js';
import { print, type Terminal } from '../terminal/terminal.js';
import { instantOf } from './audit-filters.js';

interface ExportOptions extends GatewayOptions {
  readonly from?: string;
  readonly to?: string;
}

interface VerifyOptions {
  readonly key: readonly string[];
  readonly checkpoints?: string;
}

/** `switchyard audit export`: the trail as it was recorded. */
export function exportCommand(terminal: Terminal): Command {
  return gatewayOptions(new Command('export').summary('write the exact records, with signed checkpoints, to standard output'))
    .option('--from <time>', 'begin not later than this, for example 2026-01-01T00:00:00Z; else with the first record', instantOf)
    .option('--to <time>', 'end not earlier than this; else with the newest checkpoint', instantOf)
    .action(async (options: ExportOptions) => {
      const { from, to } = options;
      const given = Object.entries({ from, to }).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const query = new URLSearchParams(given).toString();
      const gateway = await findGateway(options, terminal);
      const parts = await readApi(gateway, { path: `/api/v1/audit/export?${query}` });
      for await (const part of parts) if (!terminal.stdout.write(part)) await once(terminal.stdout, 'drain');
    });
}

/** `switchyard audit key`: what exports are verified with. */
export function keyCommand(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('key').summary('print the public keys of checkpoints; keep them apart from the gateway'),
  ).action(async (options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    print(terminal, JSON.stringify(await askApi(gateway, { path: '/api/v1/audit/keys' }, auditKeys)));
  });
}

/** `switchyard audit verify`: needs no gateway. */
export function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .summary('tell whether an export is what was recorded, offline; names the first bad record')
    .argument('<export>', 'file that "switchyard audit export" wrote')
    .requiredOption('--key <file...>', 'public keys, as "switchyard audit key" prints them')
    .option('--checkpoints <file>', 'checkpoints.jws of the copies: shows what was signed again later')
    .action(async (file: string, options: VerifyOptions) => {
      const keys = (await Promise.all(options.key.map(keysIn))).flat();
      const copies = options.checkpoints === undefined ? [] : (await text(options.checkpoints)).split('\n').filter(Boolean);
      const found = await verifyExport(linesOf(file), { keys, copies });
      if (!found.ok) throw new CliError(describeFault(file, found));
      print(terminal, describe(found));
    });
}

function describe({ events, epochs, checkpoints, deleted, from, until }: VerifiedExport): string {
  const gone = deleted === 0 ? '' : ` ${deleted} records are not in it: retention has deleted them, and signed which.`;
  return `Verified: ${events} records of ${epochs} boots of processes, up to ${until}; ${checkpoints} checkpoints from ${from} on.${gone}`;
}

const describeFault = (file: string, { line, eventId, sentence }: BrokenExport) =>
  `${file}:${line}: ${eventId === '' ? '' : `${eventId}: `}${sentence} Nothing from here on can be trusted.`;

async function keysIn(file: string) {
  const parsed = auditKeys.safeParse(parseJsonText(await text(file)));
  if (parsed.success) return parsed.data.keys;
  throw new CliError(`${file} holds no public keys. Write them there with: switchyard audit key > ${file}`);
}

async function text(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

const unreadable = (file: string, error: unknown) =>
  new CliError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`);

const LINE_FEED = 10;

/** Lines of a file as they are, byte for byte. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED, start)) {
        yield rest.subarray(start, end);
        start = end + 1;
      }
      rest = rest.subarray(start);
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  if (rest.length > 0) yield rest;
}
