import path from 'node:path';

/** Root of the repository on this machine. */
export const REPOSITORY = path.resolve(import.meta.dirname, '../../..');

/** What a gateway on this machine sees of the repository. */
export const onThisMachine = { root: REPOSITORY, filesDir: path.join(REPOSITORY, 'examples/files') };

/** Header field that the upstream `locked` is shown its credential in. */
export const CREDENTIAL_HEADER = 'x-upstream-key';

/** Member of the team that the server `team` is for. */
export const EDITOR = 'ana@example.com';

/** Signed in, but member of nothing. */
export const OUTSIDER = 'oscar@example.com';

/** What differs between targets in the one gateway file that all of them serve. */
export interface GatewayFileOptions {
  readonly publicUrl: string;
  readonly host: string;
  readonly port: number;
  /** Folder that has `node_modules`, as the gateway sees it. */
  readonly root: string;
  /** Folder of sample files, as the gateway sees it. */
  readonly filesDir: string;
  /** URLs of the upstream fixtures, as the gateway sees them. */
  readonly ledgerUrl: string;
  readonly lockedUrl: string;
  /** Ranges that the fixtures are in, where that is not loopback. */
  readonly egressAllow?: readonly string[];
}

/** The switchyard.yaml of the end-to-end tests. */
export function gatewayFile(o: GatewayFileOptions): string {
  return `gateway: { publicUrl: "${o.publicUrl}", host: "${o.host}", port: ${o.port} }
identity: { mode: dev }
egress: { allow: ${JSON.stringify(o.egressAllow ?? [])} }

teams:
  editors: { emails: [${EDITOR}] }

upstreams:
  everything: { command: node, args: [${o.root}/node_modules/@modelcontextprotocol/server-everything/dist/index.js, stdio] }
  files: { command: node, args: [${o.root}/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ${o.filesDir}] }
  ledger: { url: "${o.ledgerUrl}" }
  locked: { url: "${o.lockedUrl}", credential: { type: header, name: ${CREDENTIAL_HEADER}, value: "Key \${env:E2E_UPSTREAM_KEY}" } }

servers:
  demo:
    title: Demo
    sources:
      - upstream: everything
      - { upstream: files, prefix: files__, deny: [move_file] }
    access:
      - everyone: true
  team:
    sources: [{ upstream: ledger }]
    access: [{ teams: [editors] }]
    scopes: { slowness: { title: take its time, tools: [slow] } }
  vault:
    sources: [{ upstream: locked }]
    access: [{ everyone: true }]
  open:
    sources: [{ upstream: ledger, tools: [echo] }]
    access: [{ anonymous: true }]
`;
}
