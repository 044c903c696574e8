import type { GatewayConfig } from '@switchyard/gateway-config';
import { tableLines } from '../terminal/table.js';

/** What is told when the gateway is ready. */
export interface ReadyFacts {
  readonly config: GatewayConfig;
  readonly file: string;
  readonly dataDir: string;
  readonly managementUrl: string;
  /** How the command is called here. */
  readonly program: string;
  /** Told at the first start only. */
  readonly firstAdminKey: string | undefined;
}

/** What a person needs next: where the servers are, how to sign in, the key, and a line to connect a client with. */
export function readyLines(facts: ReadyFacts): string[] {
  const { config, file, dataDir, managementUrl, program, firstAdminKey } = facts;
  const { publicUrl } = config.gateway;
  const servers = Object.entries(config.servers);
  const [first] = servers;
  const endpoints = servers.map(([slug, { title }]) => [`${publicUrl}/mcp/${slug}`, title ?? '']);
  return [
    `Switchyard serves ${file}`,
    '',
    ...(endpoints.length > 0
      ? ['Servers', ...tableLines(endpoints, { indent: '  ' })]
      : [`No servers yet: ${program} add <name> <url | -- command>`]),
    '',
    'Sign-in',
    '  people    the local page opens in their browser; in this mode nobody is asked for a password',
    `  agents    API keys: ${program} key create --name <name> --server <server>`,
    '',
    ...(firstAdminKey === undefined ? [] : ['Admin key, shown this once', `  ${firstAdminKey}`, '']),
    ...(first === undefined
      ? []
      : [
          'Connect a client',
          `  claude mcp add --transport http ${first[0]} ${publicUrl}/mcp/${first[0]}`,
          '',
          'See what it offers',
          `  ${program} list ${first[0]}`,
          '',
        ]),
    ...tableLines([
      ['Data', dataDir],
      ['Health, metrics', managementUrl],
      ['Stop', 'Ctrl-C'],
    ]),
  ];
}
