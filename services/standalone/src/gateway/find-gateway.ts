import { Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { CliError, EXIT } from '../terminal/cli-error.js';
import type { Terminal } from '../terminal/terminal.js';
import { readCliFile, type CliFile } from './cli-file.js';
import { CONFIG_NAME } from './config-path.js';
import { foldersUpward } from './upward.js';

/** Where a gateway is, and what opens it. */
export interface GatewayAccess {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly key: string;
}

/** Options of every command that talks to a gateway. */
export interface GatewayOptions {
  readonly url?: string;
  readonly key?: string;
  readonly dataDir?: string;
}

const HOW = `Start one here with \`switchyard up\`, or name one with --url and --key (or SWITCHYARD_URL and SWITCHYARD_KEY).`;

/** Adds the options that say which gateway is meant. */
export function gatewayOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'origin of the gateway (or SWITCHYARD_URL); unless given: the one on this machine'))
    .addOption(
      new Option('--key <key>', 'API key (or SWITCHYARD_KEY); unless given: the admin key of the gateway on this machine'),
    )
    .addOption(
      new Option('--data-dir <folder>', 'data folder of the gateway on this machine, where it is not beside its configuration'),
    );
}

/**
 * Finds the gateway and a key for it: in the options, in the environment, or in what a gateway on this machine left in its data
 * folder. The key of the gateway on this machine is never sent to another one.
 * @throws CliError where there is none
 */
export async function findGateway(options: GatewayOptions, terminal: Terminal): Promise<GatewayAccess> {
  const given = { url: options.url ?? terminal.env['SWITCHYARD_URL'], key: options.key ?? terminal.env['SWITCHYARD_KEY'] };
  const local = given.url !== undefined && given.key !== undefined ? undefined : await findLocal(options, terminal);
  const url = originOf(given.url ?? local?.url);
  if (given.key !== undefined) return { url, key: given.key };
  if (local?.key !== undefined && local.url === url) return { url, key: local.key };
  throw new CliError(`There is no API key for ${url}. Give one with --key or SWITCHYARD_KEY.`, EXIT.refused);
}

function originOf(text: string | undefined): string {
  if (text === undefined) throw new CliError(`No gateway was found. ${HOW}`, EXIT.refused);
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol)) return url.origin;
  throw new CliError(`${text} is not the URL of a gateway. Write for example http://localhost:8080.`, EXIT.refused);
}

async function findLocal({ dataDir }: GatewayOptions, { cwd }: Terminal): Promise<CliFile | undefined> {
  if (dataDir !== undefined) return readCliFile(path.resolve(cwd, dataDir));
  for (const folder of foldersUpward(cwd)) {
    const found = readCliFile(path.join(folder, '.switchyard')) ?? (await leftByConfig(path.join(folder, CONFIG_NAME)));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where the configuration names another data folder. A file that cannot be read is not this command's business. */
async function leftByConfig(file: string): Promise<CliFile | undefined> {
  if (!existsSync(file)) return undefined;
  const [{ loadGatewayConfig }, { ConfigError }] = await Promise.all([
    import('@switchyard/gateway-config'),
    import('@switchyard/runtime'),
  ]);
  try {
    return readCliFile(loadGatewayConfig(file).gateway.dataDir);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** Sentence for a gateway that does not answer. */
export const notAnswering = (url: string) => new CliError(`No gateway answers at ${url}. ${HOW.replace('one here', 'it here')}`);
