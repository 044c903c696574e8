import path from 'node:path';
import { parseConfigText, readConfigFile } from '@switchyard/runtime';
import { gatewaySchema, type GatewayConfig } from './gateway-schema.js';

/**
 * Reads and checks a switchyard.yaml. Secrets in it stay references.
 * @throws ConfigError with file, line and column of every problem
 */
export function loadGatewayConfig(file: string): GatewayConfig {
  return parseGatewayConfig(readConfigFile(file), file);
}

/**
 * Checks the text of a switchyard.yaml.
 * @param file its name, for messages; a relative `gateway.dataDir` starts from its folder
 * @throws ConfigError with file, line and column of every problem
 */
export function parseGatewayConfig(text: string, file: string): GatewayConfig {
  const config = parseConfigText(gatewaySchema, text, { file, references: 'keep' });
  const dataDir = path.resolve(path.dirname(file), config.gateway.dataDir);
  return { ...config, gateway: { ...config.gateway, dataDir } };
}
