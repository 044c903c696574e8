import type { Audit } from '@switchyard/audit';
import type { ConfigStatus, Snapshot } from '@switchyard/contracts';
import { ConfigError, type Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { type ApplyUnavailable, CredentialsUnresolved } from './apply-config.js';
import type { ConfigAuthor } from './config-author.js';
import { configChanges } from './config-changes.js';

/** Why a configuration is not served. */
export type Rejection = NonNullable<ConfigStatus['last_rejection']>;

/** Where reports go. */
export interface ReportContext {
  readonly audit: Pick<Audit, 'record'>;
  readonly log: Logger;
  readonly clock: Clock;
  /** Name of the configuration file. */
  readonly file: string;
  /** Told of every configuration that was applied or rejected. */
  readonly onOutcome: (outcome: 'applied' | 'rejected') => void;
}

/** Tells people what came of a configuration: in the log, as an event, and counted. */
export class ConfigReport {
  readonly #context: ReportContext;

  constructor(context: ReportContext) {
    this.#context = context;
  }

  /** @param before what was published until then @param author of the file */
  async applied(snapshot: Snapshot, before: Snapshot | undefined, author: ConfigAuthor | undefined): Promise<void> {
    const { revision, servers, upstreams } = snapshot;
    const { log, file, onOutcome } = this.#context;
    onOutcome('applied');
    log.info('a new configuration is served', { file, revision, count: servers.length });
    const detail = {
      ...{ file, servers: String(servers.length), upstreams: String(upstreams.length) },
      ...(before !== undefined && { before: before.revision, changes: configChanges(before, snapshot) }),
    };
    await this.#record({ type: 'config.applied', outcome: 'ok', snapshot: revision, detail }, author);
  }

  unchanged({ revision }: Snapshot): void {
    this.#context.log.info('the configuration is the one that is served', { file: this.#context.file, revision });
  }

  async rejected(
    error: unknown,
    rejection: Rejection,
    served: Snapshot | undefined,
    author: ConfigAuthor | undefined,
  ): Promise<void> {
    const { log, file, onOutcome } = this.#context;
    const { reason, message } = rejection;
    const revision = served?.revision ?? '';
    onOutcome('rejected');
    const cause = error instanceof ConfigError ? {} : { error };
    log.error(`${served ? 'the last good configuration stays; the new one' : 'the configuration'} was rejected: ${message}`, {
      file,
      reason,
      revision,
      ...cause,
    });
    await this.#record(
      { type: 'config.rejected', outcome: 'error', reason, snapshot: revision, detail: { file, message } },
      author,
    );
  }

  waiting(error: ApplyUnavailable): void {
    this.#context.log.warn('the configuration waits for what is away', {
      file: this.#context.file,
      reason: error.message,
      error: error.cause,
    });
  }

  /** Why an error keeps a configuration from being served, in words that may be shown. */
  rejectionOf(error: unknown): Rejection {
    const rejectedAt = new Date(this.#context.clock.now()).toISOString();
    if (error instanceof CredentialsUnresolved)
      return { rejected_at: rejectedAt, reason: 'credential_unresolved', message: error.message };
    if (error instanceof ConfigError) return { rejected_at: rejectedAt, reason: 'config_invalid', message: error.message };
    return {
      rejected_at: rejectedAt,
      reason: 'internal',
      message: 'It could not be applied because of a fault; the log of the registry names the cause.',
    };
  }

  async #record(fields: Parameters<Audit['record']>[0], author: ConfigAuthor | undefined): Promise<void> {
    const by = author && { author_known_by: author.knownBy, ...(author.commit !== undefined && { commit: author.commit }) };
    try {
      await this.#context.audit.record({ ...fields, principal_name: author?.name ?? '', detail: { ...fields.detail, ...by } });
    } catch (error) {
      this.#context.log.error('a configuration event could not be recorded', { event_type: fields.type, error });
    }
  }
}
