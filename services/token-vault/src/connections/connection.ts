import { createHash } from 'node:crypto';
import { z } from 'zod';
import { registeredClient } from '../upstream-oauth/client-registration.js';

/** Whose connections, towards which upstream. */
export interface ConnectionsOf {
  readonly issuer: string;
  readonly subject: string;
  readonly upstream: string;
}

/** Which one of them. */
export interface ConnectionId extends ConnectionsOf {
  /** What its owner calls it, for example "work". */
  readonly label: string;
}

/** Names somebody's connection towards the API: labels are text of any kind, and paths are not. */
export const connectionHandle = (upstream: string, label: string): string =>
  createHash('sha256')
    .update(JSON.stringify([upstream, label]))
    .digest('base64url');

/** What labels look like: shown on pages, so short and on one line. */
export const connectionLabel = z
  .string()
  .trim()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,39}$/u);
export const DEFAULT_LABEL = 'default';

/** `reauth_required`: the upstream has ended it; its owner must connect again. */
const state = z.enum(['connected', 'reauth_required']);

const oauthConnection = z.strictObject({
  format: z.literal(1),
  state,
  /** The gateway as this connection's authorization server knows it: tokens never go to another. */
  client: registeredClient,
  resource: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** Private key that the tokens are bound to (RFC 9449), where they are: it lives as long as the connection. */
  dpopKey: z.string().optional(),
  /** When the access token ends, and when it is to be renewed before that; absent: nobody knows. */
  expiresAtMs: z.number().optional(),
  refreshAtMs: z.number().optional(),
  scopes: z.array(z.string()),
  /** Scopes that the upstream has asked for since: the next authorization asks for them too. */
  wanted: z.array(z.string()),
  /** Whose it is at the upstream; never becomes somebody else's. */
  account: z.string().optional(),
  /** A refresh that was begun, and whose end is not known: the revision of its lease is the fencing number. */
  refreshing: z.strictObject({ lease: z.int(), startedAtMs: z.number(), attempts: z.int() }).optional(),
  connectedAtMs: z.number(),
  /** When the access token came. */
  obtainedAtMs: z.number(),
});

/** Tokens of an authorization server. */
export type OAuthConnection = z.infer<typeof oauthConnection>;

const keyConnection = z.strictObject({
  format: z.literal(2),
  state,
  /** Empty once the upstream has refused it. */
  key: z.string(),
  /** Origin of the upstream that its owner gave it for: no other is shown it. */
  origin: z.string(),
  connectedAtMs: z.number(),
});

/** A key that its owner entered. */
export type KeyConnection = z.infer<typeof keyConnection>;

const connection = z.discriminatedUnion('format', [oauthConnection, keyConnection]);

/** What is kept of a connection. */
export type Connection = z.infer<typeof connection>;

const index = z.strictObject({ format: z.literal(1), default: z.string(), labels: z.array(z.string()) });

/** Which connections somebody has towards an upstream; one is used unless they choose another. */
export type ConnectionIndex = z.infer<typeof index>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value), 'utf8');
const decode = (content: Uint8Array): unknown => JSON.parse(Buffer.from(content).toString('utf8'));

export const encodeConnection = (value: Connection): Uint8Array => encode(value);
export const encodeIndex = (value: ConnectionIndex): Uint8Array => encode(value);
/** @throws ZodError where the content is none: it was encrypted by us, so that is a bug */
export const decodeConnection = (content: Uint8Array): Connection => connection.parse(decode(content));
/** @throws ZodError as `decodeConnection` */
export const decodeIndex = (content: Uint8Array): ConnectionIndex => index.parse(decode(content));
