import { z } from 'zod';
import { everySink, MAPPINGS, reach, secret } from './sink-parts.js';

/** Facilities of syslog by name; the place of each is its number (RFC 5424 section 6.2.1). */
export const SYSLOG_FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', 'ntp', 'audit'],
  ...['alert', 'clock', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
] as const;

const TLS_ONLY = ['serverName', 'ca', 'certificate', 'key'] as const;

/** Settings of a sink that is a syslog server. */
export const syslogSink = z
  .strictObject({
    type: z.literal('syslog').describe('A syslog server: RFC 5424 over TLS (RFC 5425), with the length before each message.'),
    ...everySink(MAPPINGS),
    host: z
      .string()
      .regex(
        /^[A-Za-z0-9.:-]{1,253}$/,
        'must be the name or the address of a host, without a port. Write for example logs.example.com.',
      )
      .describe('Name or address of the server.'),
    port: z.int().min(1).max(65_535).optional().describe('Its port. Unless given: 6514, or 514 without TLS.'),
    tls: z
      .boolean()
      .default(true)
      .describe('`false` sends in clear text, over plain TCP (RFC 6587), where everybody on the way can read and change it.'),
    serverName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('Name that the certificate of the server must be for. Unless given: `host`.'),
    certificate: z
      .string()
      .optional()
      .describe('Certificate that the gateway shows the server, PEM: a reference such as `${file:client.pem}`, or as it is.'),
    key: secret.optional().describe('Its private key, PEM, as a reference.'),
    facility: z
      .enum(SYSLOG_FACILITIES)
      .optional()
      .describe('Facility of every message. Unless given: `authpriv` for events `auth.*`, `audit` for the others.'),
    hostname: z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces. Change it.')
      .optional()
      .describe('HOSTNAME of every message. Unless given: the process that reported the event, such as `edge-1`.'),
    enterpriseId: z
      .string()
      .regex(
        /^[1-9]\d{0,9}(\.\d{1,10}){0,8}$/,
        'must be a private enterprise number that IANA gave your organisation, in quotation marks. Write for example "51000".',
      )
      .optional()
      .describe(
        "Your organisation's private enterprise number (IANA). With it, messages have structured data `switchyard@<number>`; without it, only what IANA has registered.",
      ),
    messageBytes: z
      .int()
      .min(480)
      .max(1024 ** 2)
      .default(8_192)
      .describe(
        'Longest message, in bytes. What is longer becomes a dead letter. Receivers must take 2048 and should take 8192 (RFC 5425); set both ends alike.',
      ),
    confirm: z
      .boolean()
      .default(true)
      .describe(
        'Whether messages count as delivered only when the server has read all of them and closed the connection in its turn. `false`, for servers that never do: when they were sent.',
      ),
    ...reach,
  })
  .superRefine(({ tls, certificate, key, ...settings }, context) => {
    if ((certificate === undefined) !== (key === undefined))
      context.addIssue('has a certificate without a key, or the reverse. Give both or neither.');
    if (tls) return;
    const given = { ...settings, certificate, key };
    for (const name of TLS_ONLY) {
      if (given[name] !== undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'has no meaning where tls is false. Remove one of them.' });
    }
  });
