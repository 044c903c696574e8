import type { Audit } from '@switchyard/audit';
import type { ConfigStatus, Snapshot } from '@switchyard/contracts';
import { ConfigError, type Readiness } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { applyConfig, ApplyUnavailable, CredentialsUnresolved, type Applied, type ApplyContext } from './apply-config.js';
import type { FileContent } from './gateway-file-watch.js';
import { Pause } from './pause.js';

/** What the configuration of a running registry needs. */
export interface ConfigurationContext extends ApplyContext {
  readonly audit: Pick<Audit, 'record' | 'accepting'>;
  readonly log: Logger;
  /** Told of every configuration that was tried. */
  readonly onOutcome: (outcome: 'applied' | 'rejected') => void;
}

type Rejection = NonNullable<ConfigStatus['lastRejection']>;

/** The configuration that is served, and its changes. Of several changes in a row the last one counts. */
export class Configuration {
  readonly #context: ConfigurationContext;
  readonly #pause = new Pause();
  #pending: FileContent | undefined;
  #working: Promise<void> | undefined;
  #waitingFor: Readiness = {};
  #rejection: Rejection | undefined;
  #snapshot: Snapshot | undefined;
  #loadedAtMs = 0;
  #closed = false;

  constructor(context: ConfigurationContext) {
    this.#context = context;
  }

  /** The snapshot that is served. @throws Error before `start` has resolved */
  get snapshot(): Snapshot {
    if (!this.#snapshot) throw new Error('No configuration has been applied yet');
    return this.#snapshot;
  }

  /** Dependencies that the last change waits for; empty when nothing does. */
  get waitingFor(): Readiness {
    return this.#waitingFor;
  }

  get status(): ConfigStatus {
    return {
      revision: this.snapshot.revision,
      loadedAt: new Date(this.#loadedAtMs).toISOString(),
      lastRejection: this.#rejection ?? null,
    };
  }

  /**
   * Applies the first configuration; waits for what is away.
   * @param onWaiting told what it waits for
   * @throws ConfigError when it cannot be used
   */
  async start(text: string, onWaiting: (readiness: Readiness) => void): Promise<void> {
    for (;;) {
      try {
        return await this.#apply(text);
      } catch (error) {
        if (error instanceof ConfigError) await this.#reject(error);
        if (!(error instanceof ApplyUnavailable)) throw error;
        this.#waitFor(error);
        onWaiting(this.#waitingFor);
        await this.#pause.next();
      }
    }
  }

  /** Takes a change of the file. What cannot be used is reported, and the last good configuration stays. */
  change(content: FileContent): void {
    this.#pending = content;
    this.#pause.end();
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Stops applying changes. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pause.end();
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#pending && !this.#closed) {
      const content = this.#pending;
      this.#pending = undefined;
      if (await this.#tryChange(content)) continue;
      await this.#pause.next();
      this.#pending ??= content;
    }
  }

  /** @returns false when it must be tried again */
  async #tryChange(content: FileContent): Promise<boolean> {
    try {
      await this.#apply(textOf(content, this.#context.file));
    } catch (error) {
      if (error instanceof ApplyUnavailable) return this.#waitFor(error);
      await this.#reject(error);
    }
    return true;
  }

  async #apply(text: string): Promise<void> {
    const applied = await applyConfig(text, this.#context);
    const wasRejected = this.#rejection !== undefined;
    this.#snapshot = applied.snapshot;
    this.#loadedAtMs = this.#context.clock.now();
    this.#rejection = undefined;
    this.#settled();
    await this.#tellApplied(applied, wasRejected);
  }

  async #tellApplied({ snapshot, changed }: Applied, wasRejected: boolean): Promise<void> {
    const { log, file } = this.#context;
    const { revision, servers, upstreams } = snapshot;
    if (!changed) {
      log.info(wasRejected ? 'the configuration is back to what is served' : 'the configuration is served already', {
        file,
        revision,
      });
      return;
    }
    this.#context.onOutcome('applied');
    log.info('a new configuration is served', { file, revision, count: servers.length });
    const detail = { file, servers: String(servers.length), upstreams: String(upstreams.length) };
    await this.#record({ type: 'config.applied', outcome: 'ok', snapshot: revision, detail });
  }

  async #reject(error: unknown): Promise<void> {
    const { log, file, clock } = this.#context;
    const reason = reasonOf(error);
    const message =
      error instanceof ConfigError
        ? error.message
        : 'It could not be applied because of a fault; the log of the registry names the cause.';
    this.#rejection = { rejectedAt: new Date(clock.now()).toISOString(), reason, message };
    this.#settled();
    this.#context.onOutcome('rejected');
    const revision = this.#snapshot?.revision ?? '';
    log.error(`the configuration was rejected${revision ? ', and the last good one stays' : ''}: ${message}`, {
      file,
      reason,
      revision,
      ...(error instanceof ConfigError ? {} : { error }),
    });
    await this.#record({ type: 'config.rejected', outcome: 'error', reason, snapshot: revision, detail: { file, message } });
  }

  async #record(fields: Parameters<Audit['record']>[0]): Promise<void> {
    try {
      await this.#context.audit.record(fields);
    } catch (error) {
      this.#context.log.error('a configuration event could not be recorded', { event_type: fields.type, error });
    }
  }

  #waitFor(error: ApplyUnavailable): false {
    const state = error.message;
    if (this.#waitingFor[error.dependency] !== state)
      this.#context.log.warn('the configuration waits', { reason: error.message, error });
    this.#waitingFor = { [error.dependency]: state };
    return false;
  }

  #settled(): void {
    this.#waitingFor = {};
    this.#pause.reset();
  }
}

function textOf(content: FileContent, file: string): string {
  if (content.ok) return content.text;
  const code = (content.error as NodeJS.ErrnoException).code ?? 'unknown error';
  throw new ConfigError([{ file, path: '', message: `cannot be read (${code}). Put it back.` }]);
}

function reasonOf(error: unknown): Rejection['reason'] {
  if (error instanceof CredentialsUnresolved) return 'credential_unresolved';
  return error instanceof ConfigError ? 'config_invalid' : 'internal';
}
