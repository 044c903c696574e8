import { secretChanged, secretList, type SecretChanged } from '@switchyard/contracts';
import { Command } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { readSecret } from '../terminal/read-secret.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

/** `switchyard secret`: what `${secret:NAME}` in a configuration stands for. */
export function command(terminal: Terminal): Command {
  return new Command('secret').addCommand(set(terminal)).addCommand(list(terminal)).addCommand(remove(terminal));
}

const pathOf = (name: string) => `/api/v1/secrets/${encodeURIComponent(name)}`;

function set(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('set').summary('store a secret, typed or piped in').argument('<name>', 'name, as in ${secret:NAME}'),
  ).action(async (name: string, options: GatewayOptions) => {
    const gateway = await findGateway(options, terminal);
    const value = await readSecret(`Value of ${name} (not shown): `, terminal);
    const changed = await askApi(gateway, { method: 'PUT', path: pathOf(name), body: { value } }, secretChanged);
    print(terminal, `Stored ${name}. ${usersOf(changed)}`);
  });
}

function list(terminal: Terminal): Command {
  return gatewayOptions(new Command('list').summary('list the names of stored secrets')).action(
    async (options: GatewayOptions) => {
      const { secrets } = await askApi(await findGateway(options, terminal), { path: '/api/v1/secrets' }, secretList);
      if (secrets.length === 0) remark(terminal, 'No secrets yet. Store one: switchyard secret set <name>');
      print(terminal, ...secrets.map(({ name }) => name));
    },
  );
}

function remove(terminal: Terminal): Command {
  return gatewayOptions(new Command('delete').summary('delete a secret').argument('<name>', 'name of the secret')).action(
    async (name: string, options: GatewayOptions) => {
      const gateway = await findGateway(options, terminal);
      const changed = await askApi(gateway, { method: 'DELETE', path: pathOf(name) }, secretChanged);
      print(terminal, `Deleted ${name}. ${usersOf(changed)}`);
    },
  );
}

function usersOf({ upstreams }: SecretChanged): string {
  return upstreams.length === 0
    ? 'No upstream uses it now; whether a sink does, `audit sinks` shows.'
    : `Used by ${upstreams.join(', ')}.`;
}
