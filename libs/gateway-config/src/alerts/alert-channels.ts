import { z } from 'zod';
import { httpReach, httpUrl, reach, secret } from '../sinks/sink-parts.js';

const webhookChannel = z.strictObject({
  type: z.literal('webhook').describe('A URL that each message is posted to, signed (Standard Webhooks 1.0).'),
  url: httpUrl.describe('Where messages are posted to.'),
  secret: secret.describe('Key of the signature, as a reference: `whsec_` and 24 to 64 bytes in base64.'),
  ...httpReach,
});

const slackChannel = z.strictObject({
  type: z
    .literal('slack')
    .describe('An incoming webhook of Slack, or of what takes the same messages (Mattermost, Rocket.Chat).'),
  url: secret.describe('The URL of the webhook, as a reference: who has it can post.'),
  ...httpReach,
});

/** RFC 5322 allows far more; what is left out could end a header field or name a second recipient. */
const address = z
  .string()
  .max(254)
  .regex(/^[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be an e-mail address. Correct it.');

/** How a connection to a mail server is protected. */
export const MAIL_SECURITY = ['starttls', 'tls', 'none'] as const;

const emailChannel = z
  .strictObject({
    type: z.literal('email').describe('E-mail, by SMTP.'),
    host: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/,
        'must be the name or address of a mail server. Write for example smtp.example.com.',
      )
      .describe('Mail server that takes the messages.'),
    port: z.int().min(1).max(65_535).optional().describe('Its port. Unless given: 587, with `security: tls` 465.'),
    security: z
      .enum(MAIL_SECURITY)
      .default('starttls')
      .describe(
        '`starttls`: TLS from the first command on, or no message; `tls`: TLS from the first byte; `none`: in the clear, for a mail server on the same machine.',
      ),
    user: z.string().min(1).optional().describe('User name at the mail server, where it wants one.'),
    password: secret.optional().describe('Its password, as a reference.'),
    from: address.describe('Address that messages are from.'),
    to: z.array(address).min(1).max(50).describe('Addresses that messages go to.'),
    ...reach,
  })
  .superRefine(({ user, password, security }, context) => {
    if ((user === undefined) !== (password === undefined))
      context.addIssue('has a user without a password, or the reverse. Give both or neither.');
    if (password !== undefined && security === 'none')
      context.addIssue({
        code: 'custom',
        path: ['security'],
        message: 'would send the password in the clear. Use starttls or tls.',
      });
  });

/** Schema of one entry under `audit.alerts.channels`. */
export const alertChannelSchema = z
  .discriminatedUnion('type', [webhookChannel, slackChannel, emailChannel], {
    error: (issue) => (issue.code === 'invalid_union' ? 'type must be "webhook", "slack" or "email".' : undefined),
  })
  .describe('Somewhere that people are told.');

/** A channel as configured. Secrets in it are references. */
export type AlertChannelConfig = z.output<typeof alertChannelSchema>;

/** Settings of one kind of channel. */
export type AlertChannelConfigOf<Type extends AlertChannelConfig['type']> = Extract<AlertChannelConfig, { readonly type: Type }>;
