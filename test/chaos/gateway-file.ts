import { CALL_KINDS, READ_ONLY } from './call-kinds.js';

/** What differs between runs. */
export interface ChaosGateway {
  readonly publicUrl: string;
  readonly port: number;
  readonly strict: boolean;
  readonly modernUrl: string;
  readonly legacyUrl: string;
  /** Changes with every edit. */
  readonly title: string;
}

/** Slugs of the servers. */
export const SLUGS = ['new-bank', 'old-bank'] as const;

/** Environment variable of the services that read secrets. */
export const UPSTREAM_KEY = 'CHAOS_UPSTREAM_KEY';

/** The switchyard.yaml of a run. */
export function chaosGatewayFile({ publicUrl, port, strict, modernUrl, legacyUrl, title }: ChaosGateway): string {
  const granted = Object.values(CALL_KINDS).flatMap(({ tool, granted: isGranted }) => (isGranted ? [tool] : []));
  const server = (upstream: string) => ({
    title,
    sources: [{ upstream, readOnly: READ_ONLY }],
    access: [{ everyone: true, tools: granted }],
  });
  const credential = { type: 'header', name: 'x-upstream-key', value: `\${env:${UPSTREAM_KEY}}` };
  return JSON.stringify({
    gateway: { publicUrl, host: '127.0.0.1', port },
    identity: { mode: 'dev' },
    audit: { durability: strict ? 'strict' : 'standard' },
    upstreams: { new: { url: modernUrl }, old: { url: legacyUrl, credential } },
    servers: { [SLUGS[0]]: server('new'), [SLUGS[1]]: server('old') },
  });
}
