import { CERTIFICATE, CLIENT_CERTIFICATES, startServerProcess, tempDir, type ServerProcess, freePort } from '@switchyard/testing';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

/** A message as rsyslog has read it. */
export interface SyslogLine {
  readonly pri: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly sd: string;
  readonly msg: string;
}

/** A real rsyslogd that writes what it receives into a file. */
export interface Rsyslog extends AsyncDisposable {
  /** The sink's settings for it, without `type`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What it has stored, in its order. */
  lines(): readonly SyslogLine[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** How it is reached. */
export interface RsyslogOptions {
  readonly tls?: boolean;
  /** Whether it takes nobody without a certificate that it trusts. */
  readonly wantsCertificate?: boolean;
}

/** Starts one on a port of the loopback that stays the same. */
export async function startRsyslog({ tls = true, wantsCertificate = false }: RsyslogOptions = {}): Promise<Rsyslog> {
  const dir = await tempDir();
  const at = (name: string) => path.join(dir.path, name);
  const [command, port] = await Promise.all([rsyslogBinary(), freePort()]);
  await writeFile(at('ca.pem'), CERTIFICATE.cert + CLIENT_CERTIFICATES.finance.certificate);
  await writeFile(at('cert.pem'), CERTIFICATE.cert);
  await writeFile(at('key.pem'), CERTIFICATE.key);
  await writeFile(at('rsyslog.conf'), configuration(at, port, tls, wantsCertificate));
  let server: ServerProcess | undefined;
  const rsyslog: Rsyslog = {
    settings: { host: 'localhost', port, ...(tls ? { ca: CERTIFICATE.cert } : { tls: false }) },
    lines: () =>
      existsSync(at('out'))
        ? readFileSync(at('out'), 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as SyslogLine)
        : [],
    stop: async () => {
      await server?.end('SIGTERM');
      server = undefined;
    },
    start: async () => {
      server = await startServerProcess({
        command,
        args: ['-n', '-f', at('rsyslog.conf'), '-i', at('pid')],
        isUp: () => answers(port),
      });
    },
    [Symbol.asyncDispose]: async () => {
      await server?.end('SIGKILL');
      await dir[Symbol.asyncDispose]();
    },
  };
  await rsyslog.start();
  return rsyslog;
}

/**
 * As its manual has it for receivers over TLS; what it has taken is on the disk when it ends. For that it may take its time: it gives an
 * action one second otherwise, and cancels it in the middle of a line on a busy machine. One worker, because two may write what they took
 * in either order.
 */
const configuration = (at: (name: string) => string, port: number, tls: boolean, wantsCertificate: boolean) => `
global(workDirectory="${at('')}" maxMessageSize="64k" defaultNetstreamDriverCAFile="${at('ca.pem')}"
  defaultNetstreamDriverCertFile="${at('cert.pem')}" defaultNetstreamDriverKeyFile="${at('key.pem')}")
main_queue(queue.type="LinkedList" queue.filename="main" queue.saveOnShutdown="on" queue.workerThreads="1"
  queue.timeoutShutdown="60000" queue.timeoutActionCompletion="60000")
module(load="imtcp"${tls ? ` streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="${wantsCertificate ? 'x509/certvalid' : 'anon'}"` : ''})
template(name="fields" type="list" option.jsonf="on") {
  property(outname="pri" name="pri" format="jsonf")
  property(outname="time" name="timestamp" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="procid" name="procid" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="sd" name="structured-data" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}
input(type="imtcp" port="${port}" ruleset="in")
ruleset(name="in") { action(type="omfile" file="${at('out')}" template="fields") }
`;

function rsyslogBinary(): Promise<string> {
  const given = process.env['SWITCHYARD_TEST_RSYSLOG'];
  return given ? Promise.resolve(given) : search();
}

async function search(): Promise<string> {
  const script = path.resolve(import.meta.dirname, '../../../../../tools/ensure-rsyslog.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return stdout.trim();
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
