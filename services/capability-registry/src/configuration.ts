import type { ConfigStatus, Snapshot } from '@switchyard/contracts';
import { ConfigError, type Readiness } from '@switchyard/runtime';
import { applyConfig, ApplyUnavailable, type ApplyContext } from './apply-config.js';
import { authorOf, type ConfigAuthor } from './config-author.js';
import { ConfigReport, type Rejection, type ReportContext } from './config-report.js';
import type { FileContent } from './gateway-file-watch.js';
import { Pause } from './pause.js';

/** What the configuration of a running registry needs. */
export type ConfigurationContext = ApplyContext & ReportContext;

/** The configuration that is served, and its changes. Of several changes in a row the last one counts. */
export class Configuration {
  readonly #context: ConfigurationContext;
  readonly #report: ConfigReport;
  readonly #pause = new Pause();
  /** What is in the file, as far as it was tried. */
  #tried: FileContent | undefined;
  #pending: FileContent | undefined;
  #working: Promise<void> | undefined;
  #waitingFor: Readiness = {};
  #rejection: Rejection | undefined;
  #snapshot: Snapshot | undefined;
  #loadedAtMs = 0;
  #closed = false;
  /** Who wrote what was tried last. */
  #author: { readonly of: FileContent; readonly author: ConfigAuthor | undefined } | undefined;

  constructor(context: ConfigurationContext) {
    this.#context = context;
    this.#report = new ConfigReport(context);
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
    const loadedAt = new Date(this.#loadedAtMs).toISOString();
    return { revision: this.snapshot.revision, loaded_at: loadedAt, last_rejection: this.#rejection ?? null };
  }

  /**
   * Applies the first configuration; waits for what is away.
   * @param onWaiting told what it waits for
   * @throws ConfigError when it cannot be used
   */
  async start(text: string, onWaiting: (readiness: Readiness) => void): Promise<void> {
    const content: FileContent = { ok: true, text };
    while (!(await this.#try(content))) {
      onWaiting(this.#waitingFor);
      await this.#pause.next();
    }
  }

  /** Takes a change of the file. What cannot be used is reported, and the last good configuration stays. */
  change(content: FileContent): void {
    this.#pending = content;
    this.#pause.end();
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /**
   * Applies the same file again, because what it refers to may have changed: a secret that was missing may be stored by
   * now, another may have been replaced. Says nothing when nothing came of it.
   */
  recheck(): void {
    if (this.#working || !this.#tried) return;
    const hasReferences = this.#rejection
      ? this.#rejection.reason !== 'config_invalid'
      : this.snapshot.upstreams.some(({ needsCredential }) => needsCredential) ||
        [...this.snapshot.auditSinks, ...this.snapshot.alertChannels].some(({ needsSecrets }) => needsSecrets) ||
        this.snapshot.identitySecretsVersion !== '';
    if (hasReferences) this.change(this.#tried);
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
      if (await this.#try(content)) continue;
      await this.#pause.next();
      this.#pending ??= content;
    }
  }

  /**
   * @returns false when it must be tried again
   * @throws ConfigError when it cannot be used and nothing is served yet
   */
  async #try(content: FileContent): Promise<boolean> {
    const author = await this.#authorOf(content);
    try {
      await this.#apply(content, author);
    } catch (error) {
      if (error instanceof ApplyUnavailable) return this.#waitFor(error);
      await this.#reject(error, author);
      if (!this.#snapshot) throw error;
    }
    this.#tried = content;
    this.#waitingFor = {};
    this.#pause.reset();
    return true;
  }

  /** Found out before anything is changed: nobody has to wait for it in between. */
  async #authorOf(content: FileContent): Promise<ConfigAuthor | undefined> {
    if (this.#author?.of !== content) this.#author = { of: content, author: await authorOf(this.#context.file) };
    return this.#author.author;
  }

  async #apply(content: FileContent, author: ConfigAuthor | undefined): Promise<void> {
    const again = content === this.#tried;
    const { snapshot, changed, before } = await applyConfig(
      textOf(content, this.#context.file, this.#snapshot),
      this.#context,
      again ? this.#snapshot : undefined,
    );
    const wasRejected = this.#rejection !== undefined;
    if (snapshot.revision !== this.#snapshot?.revision) this.#loadedAtMs = this.#context.clock.now();
    this.#snapshot = snapshot;
    this.#rejection = undefined;
    if (changed) await this.#report.applied(snapshot, before, author);
    else if (!again || wasRejected) this.#report.unchanged(snapshot);
  }

  async #reject(error: unknown, author: ConfigAuthor | undefined): Promise<void> {
    const rejection = this.#report.rejectionOf(error);
    if (this.#rejection?.message === rejection.message) return;
    this.#rejection = rejection;
    await this.#report.rejected(error, rejection, this.#snapshot, author);
  }

  #waitFor(error: ApplyUnavailable): false {
    if (this.#waitingFor[error.dependency] !== error.message) this.#report.waiting(error);
    this.#waitingFor = { [error.dependency]: error.message };
    return false;
  }
}

function textOf(content: FileContent, file: string, served: Snapshot | undefined): string {
  const refusal = (message: string) => new ConfigError([{ file, path: '', message }]);
  if (!content.ok) {
    const code = (content.error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw refusal(`cannot be read (${code}). Put it back.`);
  }
  // Nobody means to take everything away like this, but a writer that died, or a full disk, does.
  if (served !== undefined && served.servers.length > 0 && content.text.trim() === '')
    throw refusal('has become empty. Put its content back; `servers: {}` serves nothing.');
  return content.text;
}
