// What can meet what: the axes of the interop matrix, and by rule what the protocol does not allow. The tests assert it, and
// docs/compatibility.md is generated from it. Imports nothing, so that the generator can load it as it stands.

/** A client or an upstream of the matrix. */
export interface Peer {
  /** In names of tests. */
  readonly id: string;
  /** For people. */
  readonly title: string;
  /** Newest revision that it speaks; revisions compare as text. */
  readonly revision: string;
}

export const CLIENTS = [
  { id: 'v1', title: 'SDK v1', revision: '2025-11-25' },
  { id: 'v2-legacy', title: 'SDK v2, `initialize`', revision: '2025-11-25' },
  { id: 'v2-modern', title: 'SDK v2, 2026-07-28', revision: '2026-07-28' },
  { id: '2024-11-05', title: '2024-11-05, HTTP+SSE', revision: '2024-11-05' },
] as const satisfies readonly Peer[];

export const UPSTREAMS = [
  { id: 'v1-http', title: 'SDK v1, Streamable HTTP', revision: '2025-11-25' },
  { id: 'v1-stdio', title: 'SDK v1, stdio', revision: '2025-11-25' },
  { id: 'modern-http', title: 'SDK v2, 2026-07-28, HTTP', revision: '2026-07-28' },
  { id: 'modern-stdio', title: 'SDK v2, 2026-07-28, stdio', revision: '2026-07-28' },
  { id: 'http+sse', title: 'SDK v1, HTTP+SSE', revision: '2025-11-25' },
  { id: 'everything', title: 'server-everything', revision: '2025-11-25' },
] as const satisfies readonly Peer[];

export const FEATURES = [
  { id: 'tools', title: 'Tools' },
  { id: 'prompts', title: 'Prompts' },
  { id: 'resources', title: 'Resources and templates' },
  { id: 'subscribe', title: 'Resource subscriptions' },
  { id: 'completion', title: 'Completion' },
  { id: 'progress', title: 'Progress' },
  { id: 'cancel', title: 'Cancellation' },
  { id: 'logging', title: 'Logging' },
  { id: 'elicitation-form', title: 'Elicitation, form' },
  { id: 'elicitation-url', title: 'Elicitation, URL' },
  { id: 'elicitation-required', title: 'Elicitation, URL, by error -32042' },
  { id: 'sampling', title: 'Sampling' },
  { id: 'roots', title: 'Roots' },
  { id: 'list-changed', title: 'Changed lists' },
  { id: 'pagination', title: 'Pagination' },
  { id: 'images', title: 'Images' },
  { id: 'audio', title: 'Audio' },
  { id: '5-mib', title: 'Results of 5 MiB' },
  { id: 'structured', title: 'Structured content' },
] as const;

export type ClientId = (typeof CLIENTS)[number]['id'];
export type UpstreamId = (typeof UPSTREAMS)[number]['id'];
export type FeatureId = (typeof FEATURES)[number]['id'];

/** One client on one upstream, using one feature. */
export interface Cell {
  readonly client: Peer & { readonly id: ClientId };
  readonly upstream: Peer & { readonly id: UpstreamId };
  readonly feature: FeatureId;
}

/** Why some cells cannot work, and what the user of the client sees there. */
export interface Limit {
  readonly id: string;
  readonly applies: (cell: Cell) => boolean;
  /**
   * - `refused`: using the feature ends in an error, or a result that says it is one, whose text matches `says`
   * - `converted`: the content arrives in a form that the client's revision has
   * - `silent`: the call works, and what would have come with it does not come, or not for sure
   * - `not-offered`: the upstream itself has nothing of the kind
   * - `missing`: the gateway does not do it yet; the matrix fails there as soon as it does
   */
  readonly outcome: 'refused' | 'converted' | 'silent' | 'not-offered' | 'missing';
  readonly says?: RegExp;
  /** For the footnote: why, and what happens instead. */
  readonly reason: string;
}

/** First match counts. */
export const LIMITS: readonly Limit[] = [
  {
    id: 'form-elicitation-needs-2025-06-18',
    applies: ({ feature, client }) => feature === 'elicitation-form' && client.revision < '2025-06-18',
    outcome: 'refused',
    says: /elicitation/i,
    reason:
      'Elicitation came with 2025-06-18: a client of an older revision cannot be asked. The call ends in an error that says so, or the upstream does not offer the tool.',
  },
  {
    id: 'no-error-32042-in-2026-07-28',
    applies: ({ feature, upstream }) => feature === 'elicitation-required' && upstream.revision >= '2026-07-28',
    outcome: 'not-offered',
    reason: 'Revision 2026-07-28 has no error -32042: its servers ask for a URL in a result, which is the row above.',
  },
  {
    id: 'url-elicitation-needs-2025-11-25',
    applies: ({ feature, client }) =>
      (feature === 'elicitation-url' || feature === 'elicitation-required') && client.revision < '2025-11-25',
    outcome: 'refused',
    says: /elicitation/i,
    reason:
      'URL elicitation came with 2025-11-25: a client of an older revision cannot be asked. The call ends in an error that says so, or the upstream does not offer the tool.',
  },
  {
    id: 'everything-has-no-audio',
    applies: ({ feature, upstream }) => feature === 'audio' && upstream.id === 'everything',
    outcome: 'not-offered',
    reason: 'server-everything has no tool that answers with audio.',
  },
  {
    id: 'audio-needs-2025-03-26',
    applies: ({ feature, client }) => feature === 'audio' && client.revision < '2025-03-26',
    outcome: 'converted',
    reason: 'Audio content came with 2025-03-26. Older clients get the same bytes as an embedded resource.',
  },
  {
    id: 'structured-content-needs-2025-06-18',
    applies: ({ feature, client }) => feature === 'structured' && client.revision < '2025-06-18',
    outcome: 'converted',
    reason: 'Structured content came with 2025-06-18. Older clients get the same value as JSON in a text block.',
  },
  {
    id: 'unattributable-log-messages',
    applies: ({ feature, client, upstream }) =>
      feature === 'logging' && client.revision >= '2026-07-28' && upstream.id === 'everything',
    outcome: 'silent',
    reason:
      'server-everything logs outside of any call, and in 2026-07-28 a log message belongs to the call that asked for it. Messages that belong to no call are dropped.',
  },
  {
    id: 'roots-asked-for-outside-of-any-call',
    applies: ({ feature, client, upstream }) =>
      feature === 'roots' && client.revision >= '2026-07-28' && upstream.id === 'everything',
    outcome: 'silent',
    reason:
      'server-everything asks for roots beside its calls, and in 2026-07-28 a client can be asked only within one. It is refused, and its tool says that it has no roots.',
  },
];

/** Why this cell cannot work; undefined where it works. */
export function limitOf(cell: Cell): Limit | undefined {
  return LIMITS.find(({ applies }) => applies(cell));
}

/** The name of a cell's test. */
export function cellId({ client, upstream, feature }: Cell): string {
  return `${client.id} × ${upstream.id} × ${feature}`;
}
