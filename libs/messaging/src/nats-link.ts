import { connect, type NatsConnection } from '@nats-io/transport-node';
import { BusUnavailable } from './bus.js';
import { fulfilledWithin, pause } from './pause.js';

/** How to reach NATS. */
export interface NatsOptions {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** Name of this process, shown by NATS' monitoring. */
  readonly name: string;
  /** Longest wait for the first connection, 30 s unless told. Once connected, it reconnects for ever. */
  readonly connectTimeoutMs?: number;
}

/** The one connection of a process: bus, state and RPC share it. Close it after them. */
export interface NatsLink {
  readonly connection: NatsConnection;
  /** What the subjects begin with that answers to this user come to. Permissions keep other users from listening there. */
  readonly inboxPrefix: string;
  /** Whether a server is connected now. */
  connected(): boolean;
  /** Calls back after every reconnect. @returns stops that */
  onReconnect(listener: () => void): () => void;
  /** Lets what is under way finish, then disconnects. Idempotent. */
  close(): Promise<void>;
}

const drainTimeoutMs = 5_000;

/**
 * Connects to NATS.
 * @throws BusUnavailable when no server could be reached in time, or the credentials were refused
 */
export async function connectNats(options: NatsOptions): Promise<NatsLink> {
  const connection = await firstConnection(options);
  const listeners = new Set<() => void>();
  let connected = true;
  void follow(connection, (now) => {
    connected = now;
    if (now) listeners.forEach((listener) => listener());
  });
  let closing: Promise<void> | undefined;
  return {
    connection,
    inboxPrefix: inboxPrefixOf(options.user),
    connected: () => connected,
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => (closing ??= disconnect(connection)),
  };
}

// A user's name is one token of a subject as a rule.
function inboxPrefixOf(user: string | undefined): string {
  if (user === undefined) return '_INBOX';
  return `_INBOX.${/^[\w-]+$/.test(user) ? user : Buffer.from(user, 'utf8').toString('base64url')}`;
}

async function firstConnection(options: NatsOptions): Promise<NatsConnection> {
  const deadline = performance.now() + (options.connectTimeoutMs ?? 30_000);
  for (;;) {
    try {
      return await connectOnce(options);
    } catch (cause) {
      if (performance.now() >= deadline)
        throw new BusUnavailable(`NATS could not be reached at ${options.servers.join(', ')}`, { cause });
      await pause(200);
    }
  }
}

function connectOnce(options: NatsOptions): Promise<NatsConnection> {
  return connect({
    servers: [...options.servers],
    name: options.name,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.password === undefined ? {} : { pass: options.password }),
    inboxPrefix: inboxPrefixOf(options.user),
    timeout: 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 2,
    // A stack trace for every request would cost more than the request; our own errors say what was asked.
    noAsyncTraces: true,
  });
}

async function follow(connection: NatsConnection, tell: (connected: boolean) => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'reconnect') tell(true);
    if (type === 'disconnect' || type === 'close') tell(false);
  }
}

/** Draining needs the server; without it there is nothing to wait for. */
async function disconnect(connection: NatsConnection): Promise<void> {
  if (connection.isClosed()) return;
  const drained = await fulfilledWithin(connection.drain(), drainTimeoutMs).catch(() => false);
  if (!drained && !connection.isClosed()) await connection.close();
}
