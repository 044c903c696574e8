import type { AlertChannelConfigOf } from '@switchyard/gateway-config';
import { createTransport } from 'nodemailer';
import type { Outcome } from '../../sinks/sink.js';
import { moreThan, sentencesOf, titleOf, type Notice } from '../notice.js';
import type { Channel, ChannelParts } from './channel.js';

type Settings = AlertChannelConfigOf<'email'>;

const PORTS: Readonly<Record<Settings['security'], number>> = { starttls: 587, tls: 465, none: 587 };

/** Opens a mail server. One connection for each message: they are few. */
export function openEmailChannel(settings: Settings, { egress }: ChannelParts): Channel {
  const { host, security, user, password, ca, timeoutMs } = settings;
  const port = settings.port ?? PORTS[security];
  return {
    send: async (notice, signal) => {
      const socket = await egress.connect(host, port, signal);
      const transport = createTransport({
        ...{ host, port, connection: socket },
        ...{ secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
        tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
        ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password } }),
        ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
        ...{ disableFileAccess: true, disableUrlAccess: true },
      });
      try {
        await transport.sendMail(mailOf(notice, settings));
        return { is: 'delivered' };
      } catch (error) {
        return outcomeOf(error);
      } finally {
        transport.close();
        socket.destroy();
      }
    },
  };
}

/** A message as a mail. Whatever it says stands in the body, or in a subject of one line. */
function mailOf(notice: Notice, { from, to }: Settings) {
  const lines = sentencesOf(notice);
  return {
    from: { name: 'Switchyard', address: from },
    to: [...to],
    subject: titleOf(notice),
    text: `${[...lines, ...moreThan(lines.length, notice)].join('\n')}\n\nalert ${notice.rule} (${notice.kind})\n`,
    // The same however often it is sent.
    messageId: `<${notice.message.id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    date: new Date(notice.message.atMs),
    // RFC 3834 section 5: nobody's absence is to answer it.
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** Codes of nodemailer that are about how the channel is configured: who it says it is, and whether TLS can be spoken. */
const CONFIG_CODES: ReadonlySet<string> = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2', 'ETLS']);

/** What an error means: replies from 500 on are for good (RFC 5321 section 4.2.1). */
function outcomeOf(error: unknown): Outcome {
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  if (typeof code === 'string' && CONFIG_CODES.has(code)) return { is: 'misconfigured', reason: code.toLowerCase() };
  if (typeof responseCode !== 'number') throw error;
  const reason = `smtp_${responseCode}`;
  return responseCode >= 500 ? { is: 'refused', reason } : { is: 'retry', reason };
}
