import { loadGatewayConfig } from '@switchyard/gateway-config';
import { Command } from 'commander';
import { CONFIG_NAME, findConfig } from '../gateway/config-path.js';
import { print, type Terminal } from '../terminal/terminal.js';

/** `switchyard validate`: checks a configuration without serving it. */
export function command(terminal: Terminal): Command {
  return new Command('validate')
    .argument('[file]', `the configuration; unless given: the nearest ${CONFIG_NAME}`)
    .action((given: string | undefined) => {
      const file = findConfig(given, terminal);
      const { upstreams, servers } = loadGatewayConfig(file);
      print(terminal, `${file} is valid: ${count(upstreams, 'upstream')}, ${count(servers, 'server')}.`);
    });
}

function count(section: object, noun: string): string {
  const number = Object.keys(section).length;
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
