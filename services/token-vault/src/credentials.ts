import type { CredentialParts } from './credential.js';
import type { CredentialStore, StoredCredential } from './credential-store.js';
import type { ReferenceSources } from './references.js';
import { resolveTemplate, secretsOf } from './resolve-template.js';

/** What became of one upstream's credential. */
export interface CredentialChange {
  readonly upstream: string;
  readonly change: 'stored' | 'unresolved' | 'deleted';
  /** Version of what is stored now; empty where nothing is. */
  readonly version: string;
}

/** One reference that has no value, as one sentence. */
export interface TemplateProblem {
  readonly upstream: string;
  readonly message: string;
}

/** What came of applying a configuration. */
export interface AppliedTemplates {
  /** Version of each stored credential that can be used, by upstream. */
  readonly versions: Readonly<Record<string, string>>;
  readonly changes: readonly CredentialChange[];
  /** Where there are any before the first write, nothing was changed. */
  readonly problems: readonly TemplateProblem[];
}

interface Settled {
  readonly upstream: string;
  readonly version: string;
  readonly written: boolean;
  readonly problems: readonly string[];
}

const toProblems = (upstream: string, problems: readonly string[]): TemplateProblem[] =>
  problems.map((message) => ({ upstream, message }));

const changeOf = ({ upstream, version, written, problems }: Settled): CredentialChange[] =>
  written ? [{ upstream, version, change: problems.length === 0 ? 'stored' : 'unresolved' }] : [];

/** The organisation-wide credentials of one tenant, kept equal to the configuration and to the secrets that it refers to. */
export class Credentials {
  readonly #store: CredentialStore;
  readonly #sources: ReferenceSources;

  constructor(store: CredentialStore, sources: ReferenceSources) {
    this.#store = store;
    this.#sources = sources;
  }

  /** As `SealedStore.freeze`. */
  freeze(upstream: string, place: number): Promise<void> {
    return this.#store.freeze(upstream, place);
  }

  /** The stored credential of an upstream. @throws StateUnavailable */
  get(upstream: string): Promise<StoredCredential> {
    return this.#store.get(upstream);
  }

  /** Upstreams whose credential is of one of some kinds, in the order of their names. @throws StateUnavailable */
  async upstreamsOf(kinds: ReadonlySet<string>): Promise<string[]> {
    const names = await this.#store.upstreams();
    const reads = await Promise.all(names.map(async (name) => ({ name, read: await this.#store.get(name) })));
    return reads.flatMap(({ name, read }) =>
      read.state === 'intact' && kinds.has(read.credential.material?.kind ?? '') ? [name] : [],
    );
  }

  /** Why the references of a template have no values; empty where they do. @throws StateUnavailable */
  async problemsOf(template: CredentialParts): Promise<readonly string[]> {
    const resolved = await resolveTemplate(template, this.#sources);
    return resolved.ok ? [] : resolved.problems;
  }

  /**
   * Makes the stored credentials equal to a configuration. Where any reference has no value, nothing is changed: such a
   * configuration is rejected, and the last good one goes on.
   * @param templates by upstream
   * @throws StateUnavailable part of it may have been applied; applying again is right
   */
  async apply(templates: ReadonlyMap<string, CredentialParts>): Promise<AppliedTemplates> {
    const missing: TemplateProblem[] = [];
    for (const [upstream, template] of templates) missing.push(...toProblems(upstream, await this.problemsOf(template)));
    if (missing.length > 0) return { versions: {}, changes: [], problems: missing };
    const settled: Settled[] = [];
    for (const [upstream, template] of templates) settled.push(...(await this.#settle(upstream, () => template)));
    const deleted = await this.#deleteAllBut(templates);
    const usable = settled.filter(({ problems }) => problems.length === 0);
    return {
      versions: Object.fromEntries(usable.map(({ upstream, version }) => [upstream, version])),
      changes: [...settled.flatMap(changeOf), ...deleted],
      problems: settled.flatMap(({ upstream, problems }) => toProblems(upstream, problems)),
    };
  }

  /** Brings the credentials that refer to a secret up to date with it. @throws StateUnavailable as `apply` */
  async secretChanged(name: string): Promise<CredentialChange[]> {
    const affected = (read: StoredCredential) =>
      read.state === 'intact' && secretsOf(read.credential.template).includes(name) ? read.credential.template : undefined;
    const settled: Settled[] = [];
    for (const upstream of await this.#store.upstreams()) settled.push(...(await this.#settle(upstream, affected)));
    return settled.flatMap(changeOf);
  }

  /**
   * Resolves and stores one credential, again and again until neither the record nor a secret changed meanwhile: another
   * vault may work on the same.
   */
  async #settle(upstream: string, templateFor: (read: StoredCredential) => CredentialParts | undefined): Promise<Settled[]> {
    let written = false;
    for (;;) {
      const read = await this.#store.get(upstream);
      const template = templateFor(read);
      if (template === undefined) return [];
      const resolved = await resolveTemplate(template, this.#sources);
      const result = await this.#store.replace(
        upstream,
        read,
        resolved.ok ? { template, material: resolved.material } : { template },
      );
      if (result.outcome === 'overtaken') continue;
      written ||= result.outcome === 'written';
      if (await this.#moved(resolved.secretVersions)) continue;
      return [{ upstream, version: result.version, written, problems: resolved.ok ? [] : resolved.problems }];
    }
  }

  async #moved(secretVersions: ReadonlyMap<string, string>): Promise<boolean> {
    for (const [name, version] of secretVersions) {
      const secret = await this.#sources.secrets.get(name);
      if ((secret.state === 'intact' ? secret.version : '') !== version) return true;
    }
    return false;
  }

  async #deleteAllBut(templates: ReadonlyMap<string, CredentialParts>): Promise<CredentialChange[]> {
    const others = (await this.#store.upstreams()).filter((upstream) => !templates.has(upstream));
    for (const upstream of others) await this.#store.delete(upstream);
    return others.map((upstream) => ({ upstream, change: 'deleted', version: '' }));
  }
}
