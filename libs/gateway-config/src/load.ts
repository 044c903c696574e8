import path from 'node:path';
import { parseConfigText, readConfigFile } from '@switchyard/runtime';
import { gatewaySchema, type GatewayConfig } from './gateway-schema.js';
import { isLoopbackHost } from './loopback.js';

/** What stands instead of something in the file. */
export interface GatewayOverrides {
  /** Port of the public listener; of `publicUrl` too, where that is a loopback address. */
  readonly port?: number | undefined;
}

/**
 * Reads and checks a switchyard.yaml. Secrets in it stay references.
 * @throws ConfigError with file, line and column of every problem
 */
export function loadGatewayConfig(file: string, overrides: GatewayOverrides = {}): GatewayConfig {
  return parseGatewayConfig(readConfigFile(file), file, overrides);
}

/**
 * Checks the text of a switchyard.yaml.
 * @param file its name, for messages; a relative `gateway.dataDir` starts from its folder
 * @throws ConfigError with file, line and column of every problem
 */
export function parseGatewayConfig(text: string, file: string, { port }: GatewayOverrides = {}): GatewayConfig {
  const config = parseConfigText(gatewaySchema, text, { file, references: 'keep' });
  const dataDir = path.resolve(path.dirname(file), config.gateway.dataDir);
  return { ...config, gateway: { ...config.gateway, dataDir, ...(port === undefined ? {} : onPort(config, port)) } };
}

function onPort({ gateway }: GatewayConfig, port: number): Pick<GatewayConfig['gateway'], 'port' | 'publicUrl'> {
  const url = new URL(gateway.publicUrl);
  // Another host name is a proxy's in front of the gateway, and its port is its own.
  if (!isLoopbackHost(url.hostname)) return { port, publicUrl: gateway.publicUrl };
  url.port = String(port);
  return { port, publicUrl: url.origin };
}
