import type { CredentialMaterialJson } from '@switchyard/contracts';

/** What a credential is made from, with values in the place of references. */
export type Settings = Readonly<Record<string, string>>;

/** What an upstream is shown of a kind of credential, beside fixed header fields. */
export type Shown = Pick<CredentialMaterialJson, 'headers' | 'env' | 'tlsCertificate' | 'tlsKey'>;

/** How credentials of one kind are made. */
export interface Kind {
  /** Why none can be made from these settings, each in one sentence that says nothing of their values; empty where one can. */
  readonly problems: (settings: Settings) => readonly string[];
  readonly show: (settings: Settings) => Shown;
}
