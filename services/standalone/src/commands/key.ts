import { createdKey, keyList, signingKeyList, type ApiKeyView } from '@switchyard/contracts';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

interface CreateOptions extends GatewayOptions {
  readonly name: string;
  readonly server: readonly string[];
  readonly role: readonly string[];
  readonly expiresInDays?: number;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

/** `switchyard key`: API keys, for agents and for people who run the gateway. */
export function command(terminal: Terminal): Command {
  return new Command('key')
    .addCommand(create(terminal))
    .addCommand(list(terminal))
    .addCommand(revoke(terminal))
    .addCommand(rotateSigning(terminal));
}

function create(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('create')
      .summary('make a key; it is shown once')
      .requiredOption('--name <name>', 'what people call the key')
      .option('--server <slug>', 'server that it opens, "*" for all; again for more', collect, [])
      .option('--role <role>', 'what it may do at the API: admin or auditor; again for both', collect, [])
      .option('--expires-in-days <days>', 'days until it ends; unless given, it does not end by itself', days),
  ).action(async ({ name, server: servers, role: roles, expiresInDays, ...options }: CreateOptions) => {
    const gateway = await findGateway(options, terminal);
    const expiry = expiresInDays === undefined ? {} : { expires_in_days: expiresInDays };
    const body = { name, servers, roles, ...expiry };
    const made = await askApi(gateway, { method: 'POST', path: '/api/v1/keys', body }, createdKey);
    print(terminal, made.key);
    remark(terminal, `This is the only time the key is shown. Its id is ${made.id}; it ${effectOf(made)}.`);
  });
}

function list(terminal: Terminal): Command {
  return gatewayOptions(new Command('list').summary('list keys, without what is secret').option('--json', 'print JSON')).action(
    async (options: GatewayOptions & { readonly json?: true }) => {
      const { keys } = await askApi(await findGateway(options, terminal), { path: '/api/v1/keys' }, keyList);
      if (options.json) return print(terminal, JSON.stringify(keys, undefined, 2));
      print(terminal, ...tableLines([['ID', 'NAME', 'SERVERS', 'ROLES', 'CREATED', 'ENDS'], ...keys.map(keyRow)]));
    },
  );
}

function revoke(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('revoke').summary('end a key, at once').argument('<id>', 'id of the key, as `switchyard key list` shows it'),
  ).action(async (id: string, options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    await askApi(gateway, { method: 'DELETE', path: `/api/v1/keys/${encodeURIComponent(id)}` }, z.undefined());
    print(terminal, `Revoked ${id}.`);
  });
}

function rotateSigning(terminal: Terminal): Command {
  return gatewayOptions(new Command('rotate-signing').summary('rotate the key that signs access tokens')).action(
    async (options: GatewayOptions) => {
      const gateway = await findGateway(options, terminal);
      const { keys } = await askApi(gateway, { method: 'POST', path: '/api/v1/keys/signing' }, signingKeyList);
      const rows = keys.map(({ id, state, signs_from: from }) => [id, state.replace('_', '-'), from]);
      print(terminal, ...tableLines([['ID', 'STATE', 'SIGNS FROM'], ...rows]));
      remark(terminal, 'The next key signs within two minutes. Tokens that are out stay good until they end.');
    },
  );
}

function keyRow({ id, name, servers, roles, created_at: createdAt, expires_at: expiresAt }: ApiKeyView): string[] {
  const ends = expiresAt === undefined ? 'never' : `${day(expiresAt)}${Date.parse(expiresAt) <= Date.now() ? ', over' : ''}`;
  return [id, oneLine(name), servers.join(', ') || 'none', roles.join(', ') || 'none', day(createdAt), ends];
}

function effectOf({ servers, roles, expires_at: expiresAt }: ApiKeyView): string {
  const opens = servers.includes('*')
    ? 'opens every server'
    : servers.length > 0
      ? `opens ${servers.join(', ')}`
      : 'opens no server';
  const role = roles.length > 0 ? `, has the role ${roles.join(' and ')}` : '';
  return `${opens}${role}, and ${expiresAt === undefined ? 'does not end by itself' : `ends on ${day(expiresAt)}`}`;
}

const day = (instant: string) => instant.slice(0, 10);

function days(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('Give a whole number of days.');
}
