import type { UpstreamFixtures } from './upstream-fixtures.js';

/** The services of a gateway. */
export const SERVICES = ['edge-proxy', 'auth-server', 'token-vault', 'capability-registry', 'analytics'] as const;

export type ServiceName = (typeof SERVICES)[number];

/** References of upstreams are resolved by the vault, those of the company's sign-in by the authorization server. */
export const READERS_OF_SECRETS: ReadonlySet<ServiceName> = new Set(['token-vault', 'auth-server']);

/** A whole gateway that serves the gateway file of the tests; disposing it leaves nothing running. */
export interface Target extends AsyncDisposable {
  /** Origin that clients reach it under. */
  readonly publicUrl: string;
  /** The key that the first start made. */
  readonly adminKey: string;
  /** The MCP servers behind it that the test itself runs, with everything that they received. */
  readonly upstreams: UpstreamFixtures;
  /** The switchyard.yaml that it serves and watches. */
  readonly gatewayFile: string;
  /** What `${env:E2E_UPSTREAM_KEY}` stands for in it. */
  readonly upstreamKey: string;
  /** Where health, readiness and metrics are, one for each process. */
  readonly managementUrls: readonly string[];
  /** Id on this machine of the process that a service runs in. */
  pid(service: ServiceName): number;
  /** Ends the process of a service with SIGKILL and starts it again on the same files. */
  restart(service: ServiceName): Promise<void>;
  /** Everything that its processes have written to standard output and standard error. */
  logs(): Promise<string>;
  /** Stops it in an orderly way, keeping its storage until it is disposed. @returns exit codes */
  stop(): Promise<readonly (number | null)[]>;
}

/** A target whose files are on this machine. */
export interface LocalTarget extends Target {
  /** Where its services meet; undefined of a target in one process. */
  readonly natsUrl: string | undefined;
  /** Folders that it keeps. */
  readonly storage: readonly string[];
  /** Its database over HTTP; of a target in one process only while that is stopped. */
  openDatabase(): Promise<AsyncDisposable & { readonly url: string }>;
  /** What its programs print when they are asked for their configuration. */
  printConfig(): Promise<string>;
}

/** What a gateway file is told. */
export interface OwnPlace {
  readonly publicUrl: string;
  readonly host: string;
  readonly port: number;
  /** URL of the upstream fixture `ledger`, as the gateway sees it. */
  readonly ledgerUrl: string;
}

/** A gateway file that a test serves instead of the one of all tests. */
export interface OwnGatewayFile {
  /** @returns the file, as YAML */
  text(place: OwnPlace): Promise<string>;
  /** What its `${env:…}` stand for. */
  readonly env: Readonly<Record<string, string>>;
  /** Ports of this machine's loopback that it names, once its text is made: services elsewhere must reach them there too. */
  loopbackPorts(): readonly number[];
  /** Where traces and metrics are exported to. */
  readonly otlpEndpoint?: string;
}
