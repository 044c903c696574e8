import type { SinkConfigOf } from '@switchyard/gateway-config';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { MAPPINGS } from '../mappings.js';
import type { Outcome, Sink, SinkItem, SinkParts } from '../sink.js';
import { NotConfirmed, sendConfirmed } from '../syslog/send-confirmed.js';
import { syslogMessage } from '../syslog/syslog-message.js';

type Settings = SinkConfigOf<'syslog'>;

const CONNECTION = { items: 5_000, bytes: 1024 ** 2 };
/** What stands around a text at most, by the limits of the fields of the header. */
const OVERHEAD_BYTES = 700;
const TLS_PORT = 6_514;
const PLAIN_PORT = 514;

/** Errors of OpenSSL and of Node about the other side's certificate: nothing becomes better by trying again with what is configured. */
const CERTIFICATE_CODES = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$)/;

/** Opens a syslog server: RFC 5424 over TLS (RFC 5425) or plain TCP (RFC 6587), one connection for each request. */
export async function openSyslogSink(settings: Settings, { egress }: SinkParts): Promise<Sink> {
  const { host, port = settings.tls ? TLS_PORT : PLAIN_PORT, mapping, messageBytes, confirm, timeoutMs } = settings;
  const isJson = MAPPINGS[mapping].contentType === 'application/json';
  const tls = settings.tls ? tlsOf(settings) : undefined;

  const send = async (frames: readonly Buffer[], closing: AbortSignal): Promise<Outcome> => {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
    try {
      const socket = await egress.connect(host, port, signal);
      await sendConfirmed(socket, Buffer.concat(frames), { tls, confirm, signal });
      return { is: 'delivered' };
    } catch (error) {
      if (error instanceof NotConfirmed) return { is: 'retry', reason: 'not_confirmed' };
      const { code = '' } = error as NodeJS.ErrnoException;
      if (CERTIFICATE_CODES.test(code)) return { is: 'misconfigured', reason: `tls_${code.toLowerCase()}` };
      throw error;
    }
  };

  const deliver = async (items: readonly SinkItem[], signal: AbortSignal): Promise<readonly Outcome[]> => {
    const messages = items.map((item) => Buffer.from(syslogMessage(item, settings, isJson)));
    const fitting = messages.filter(({ length }) => length <= messageBytes);
    const outcome = fitting.length === 0 ? { is: 'delivered' as const } : await send(fitting.map(framed), signal);
    return messages.map(({ length }) =>
      length <= messageBytes ? outcome : { is: 'refused', reason: `too_long: more than ${messageBytes} bytes` },
    );
  };
  const limits = { ...CONNECTION, itemBytes: messageBytes, itemOverheadBytes: OVERHEAD_BYTES };
  return { limits, deliver, close: async () => undefined };
}

/** Octet counting (RFC 5425 section 4.3, RFC 6587 section 3.4.1): nothing within a message can end it. */
const framed = (message: Buffer) => Buffer.concat([Buffer.from(`${message.length} `), message]);

function tlsOf({ host, serverName, ca, certificate, key }: Settings): ConnectionOptions {
  const name = serverName ?? host;
  return {
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  };
}
