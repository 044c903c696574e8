import { secretText } from '@switchyard/runtime';
import { LOG_LEVELS } from '@switchyard/telemetry';
import { z } from 'zod';

const natsUrl = z
  .string()
  .regex(/^(nats|tls):\/\/[^\s@]+$/, 'must be a NATS URL without a user. Write for example nats://localhost:4222.');

const nats = z
  .strictObject({
    servers: z.array(natsUrl).min(1).describe('Servers of one NATS cluster, for example `nats://localhost:4222`.'),
    user: z.string().min(1).optional().describe('User that the service connects as.'),
    password: secretText.optional().describe('Its password, as `${env:NAME}` or `${file:PATH}`.'),
    replicas: z
      .literal([1, 3], { error: 'must be 1 or 3.' })
      .default(1)
      .describe('Copies of every stream and bucket: 3 in a cluster of at least three servers.'),
  })
  .refine(
    ({ user, password }) => (user === undefined) === (password === undefined),
    'has a user without a password, or the reverse. Give both or neither.',
  )
  .describe('How NATS is reached. It joins all services.');

const audit = z
  .strictObject({
    dir: z.string().min(1).describe('Folder of the spool: on a disk that outlives the process, and of this process alone.'),
    limitBytes: z
      .int()
      .min(1024 ** 2)
      .default(1024 ** 3)
      .describe('Bytes of events that may wait to be forwarded. At the limit new work is refused: no event is ever dropped.'),
  })
  .describe('Where events wait until they are safe in the stream.');

/** What every service stands on when it runs as a process of its own. */
export const platformSchema = z
  .strictObject({
    nats,
    audit,
    emitter: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be 1 to 63 letters, digits, ".", "_" and "-". Change it.')
      .describe('Name of this process in events, for example `edge-1`; unique among all processes.'),
    logLevel: z.enum(LOG_LEVELS).default('info').describe('Least level of log records that are written.'),
    otlpEndpoint: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL. Write for example http://localhost:4318.' })
      .optional()
      .describe('OTLP/HTTP collector that traces, metrics and the log are sent to. Without it they are not sent.'),
  })
  .describe('What the service stands on.');

export type PlatformConfig = z.output<typeof platformSchema>;
