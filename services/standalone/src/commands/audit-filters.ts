import { InvalidArgumentError, type Command } from 'commander';
import { gatewayOptions } from '../gateway/find-gateway.js';

/** Which events are meant. */
export interface Filters {
  readonly since?: string;
  readonly type?: string;
  readonly server?: string;
  readonly upstream?: string;
  readonly capability?: string;
  readonly principal?: string;
  readonly team?: string;
  readonly outcome?: string;
  readonly origin?: string;
  readonly requestId?: string;
  readonly search?: string;
  readonly filter?: string;
}

/** Adds the options that say which events are meant. */
export function filterOptions(command: Command): Command {
  return gatewayOptions(command)
    .option('--since <time>', 'only what happened since: 15m, 6h, 7d, or a time such as 2026-01-31T12:00:00Z', instantOf)
    .option('--type <type>', 'type of event, for example tool.called')
    .option('--server <slug>', 'server')
    .option('--upstream <name>', 'upstream')
    .option('--capability <name>', 'tool, prompt or resource')
    .option('--principal <who>', 'subject, e-mail address or name of the key')
    .option('--team <name>', 'team that the principal was in')
    .option('--outcome <outcome>', 'ok, error, denied or cancelled')
    .option('--origin <origin>', 'where a failure comes from: client, policy, gateway or upstream')
    .option('--request-id <id>', 'X-Request-Id of the exchange')
    .option('--search <text>', 'words in names of capabilities, reasons and details; a minus excludes one')
    .option('--filter <filter>', 'any field, for example: outcome != ok and duration_us > 1000000')
    .option('--json', 'print one JSON object a line');
}

/** Those options as parameters of the API. */
export function parametersOf(options: Filters): Record<string, string> {
  const { since: from, requestId: request_id, search: q, type, server, upstream, capability, principal, outcome } = options;
  const { team, origin, filter } = options;
  const all = { from, request_id, q, type, server, upstream, capability, principal, outcome, team, origin, filter };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An instant that people write. @throws InvalidArgumentError */
export function instantOf(text: string): string {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const instant =
    count !== undefined && unit !== undefined ? Date.now() - Number(count) * (UNIT_MS[unit] ?? 0) : Date.parse(text);
  if (Number.isNaN(instant)) throw new InvalidArgumentError('Give 15m, 6h, 7d, or a time such as 2026-01-31T12:00:00Z.');
  return new Date(instant).toISOString();
}
