import path from 'node:path';
import type { ServiceName } from './target.js';

/** What all services of a gateway stand in. */
export interface Around {
  /** Folder for keys that services make themselves. */
  readonly dir: string;
  readonly gatewayFile: string;
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  /** Where each service is reached. */
  readonly urls: Readonly<Record<ServiceName, string>>;
}

/** One process of a service. */
export interface Place {
  readonly service: ServiceName;
  readonly emitter: string;
  readonly listen: number;
  readonly management: number;
  /** Folder of its audit spool. */
  readonly spool: string;
}

/** The part that all have. */
interface PlatformParts {
  readonly logLevel: string;
  readonly otlpEndpoint?: string;
  readonly limitBytes?: number;
}

/** The file that a service is started with, as deploy/ has it, with a run's ports and folders. */
export function serviceConfig(around: Around, place: Place, { limitBytes, ...platform }: PlatformParts): object {
  const { listen, management, emitter, spool } = place;
  return {
    ...ownConfig(around)[place.service],
    listen: { host: '127.0.0.1', port: listen },
    management: { host: '127.0.0.1', port: management },
    platform: {
      nats: { servers: [around.natsUrl] },
      audit: { dir: spool, ...(limitBytes !== undefined && { limitBytes }) },
      emitter,
      ...platform,
    },
  };
}

function ownConfig({ dir, gatewayFile, clickhouseUrl, urls }: Around): Readonly<Record<ServiceName, object>> {
  const services = {
    authServer: urls['auth-server'],
    tokenVault: urls['token-vault'],
    capabilityRegistry: urls['capability-registry'],
    analytics: urls.analytics,
  };
  return {
    'edge-proxy': { gatewayFile, services },
    'auth-server': { gatewayFile },
    'token-vault': {
      profile: 'development',
      kek: { file: path.join(dir, 'vault.key'), createIfMissing: true },
      authServer: urls['auth-server'],
    },
    'capability-registry': { gatewayFile },
    analytics: {
      engine: { kind: 'http', url: clickhouseUrl },
      checkpoints: { keyFile: path.join(dir, 'checkpoint-key.json'), createIfMissing: true, intervalMs: 3_000 },
    },
  };
}
