import { CERTIFICATE } from '@switchyard/testing';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as a mail server took it. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header section and body. */
  readonly source: string;
  readonly isSecure: boolean;
  readonly user: string;
}

/** A mail server on the loopback. */
export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly taken: readonly TakenMail[];
}

/** A reply other than 250. */
export function reply(responseCode: number): Error {
  return Object.assign(new Error('as the test says'), { responseCode });
}

/** Starts one, with a certificate of `localhost`. @param options.rcpt what it says of each recipient */
export async function startMailServer(
  options: SMTPServerOptions & { readonly password?: string; readonly rcpt?: (address: string) => Error | undefined } = {},
): Promise<MailServer> {
  const { password, rcpt, ...own } = options;
  const taken: TakenMail[] = [];
  const server = new SMTPServer({
    ...CERTIFICATE,
    authOptional: password === undefined,
    onAuth: (auth, _session, done) => (auth.password === password ? done(null, { user: auth.username ?? '' }) : done(reply(535))),
    onRcptTo: ({ address }, _session, done) => done(rcpt?.(address)),
    onData: (stream, { envelope, secure, user }, done) => {
      void text(stream).then((source) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        taken.push({ from, to, source, isSecure: secure, user: typeof user === 'string' ? user : '' });
        done();
      });
    },
    ...own,
  });
  // A client that trusts nobody breaks the handshake off.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    taken,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
