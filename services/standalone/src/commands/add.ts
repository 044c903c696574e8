import { addUpstream, loadGatewayConfig, type UpstreamEntry } from '@switchyard/gateway-config';
import { Command, Option } from 'commander';
import path from 'node:path';
import { editConfig } from '../gateway/edit-config.js';
import { CliError, EXIT } from '../terminal/cli-error.js';
import { print, type Terminal } from '../terminal/terminal.js';

interface AddOptions {
  readonly header: readonly string[];
  readonly env: readonly string[];
  readonly transport?: 'http' | 'stdio';
  readonly server?: string;
  readonly config?: string;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

/** `switchyard add`: adds an upstream and a server that offers it; the order of arguments is that of `claude mcp add`. */
export function command(terminal: Terminal): Command {
  return new Command('add')
    .usage('<name> <url> [options]\n       switchyard add <name> [options] -- <command> [args...]')
    .argument('<name>', 'name of the upstream')
    .argument('<target...>', 'URL of a remote server, or -- and the command of a local one')
    .addOption(new Option('-t, --transport <kind>', 'told by the target, unless given').choices(['http', 'stdio']))
    .option('-H, --header <header>', "header for a remote server: 'Name: value'; again for more", collect, [])
    .option('-e, --env <variable>', 'environment of a local server: NAME=value; again for more', collect, [])
    .option('--server <slug>', 'server that offers it, an existing or a new one; unless given: named like the upstream')
    .option('--config <file>', 'the configuration to change')
    .addHelpText('after', "\nSecrets are references: --header 'Authorization: Bearer ${env:TOKEN}'")
    .action((name: string, target: readonly string[], options: AddOptions) => {
      const entry = entryOf(target, options);
      const server = options.server ?? slugOf(name);
      const file = editConfig(options.config, terminal, (text, shown) => addUpstream(text, name, entry, { file: shown, server }));
      const { publicUrl } = loadGatewayConfig(path.resolve(terminal.cwd, file)).gateway;
      print(
        terminal,
        `Added the upstream ${name} to ${file}; the server ${server} offers it at ${publicUrl}/mcp/${server}.`,
        'A gateway that serves this file takes it up by itself.',
      );
    });
}

const slugOf = (name: string) => name.toLowerCase().replace(/[^a-z0-9-]+/g, '-');

function entryOf([first = '', ...rest]: readonly string[], { header, env, transport }: AddOptions): UpstreamEntry {
  const isRemote = transport === undefined ? /^https?:\/\//i.test(first) : transport === 'http';
  if (!isRemote) {
    if (header.length > 0)
      throw new CliError('--header is for a remote server, and this is a command. Give it --env NAME=value.', EXIT.refused);
    return { command: first, ...nonEmpty({ args: rest }), ...nonEmpty({ env: pairs(env, '=', '--env NAME=value') }) };
  }
  if (env.length > 0)
    throw new CliError("--env is for a local command, and this is a URL. Give it --header 'Name: value'.", EXIT.refused);
  if (rest.length > 0)
    throw new CliError(`There is something after the URL: ${rest.join(' ')}. For a command, put -- before it.`, EXIT.refused);
  return { url: first, ...nonEmpty({ headers: pairs(header, ':', "--header 'Name: value'") }) };
}

function pairs(texts: readonly string[], separator: string, example: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator);
      if (at < 1) throw new CliError(`${text} has no name before "${separator}". Write ${example}.`, EXIT.refused);
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
}

function nonEmpty<T extends Record<string, object>>(part: T): T | Record<string, never> {
  return Object.values(part).every((value) => Object.keys(value).length === 0) ? {} : part;
}
