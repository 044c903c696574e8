/** Every key-value bucket, exactly once: who writes it and what is in it. */
export const BUCKETS = {
  /** capability-registry: key `current` → Snapshot (ProtoJSON). Watched by edges and the authorization server. */
  snapshots: 'snapshots',
  /** auth-server: key id → ApiKeyRecord (ProtoJSON). Watched by everyone who verifies keys. */
  apiKeys: 'api-keys',
  /** auth-server: the authorization server's own records, `<kind>/<hash of id>` → JSON, encrypted under the id. Never read by others. */
  oidc: 'oidc',
  /** auth-server: what access tokens were issued under and is dead, `<kind>/<id>` → Revocation (ProtoJSON); for minutes. Watched by edges. */
  revocations: 'revocations',
  /** auth-server: who has signed in and what for, `<subject>` → JSON, encrypted under the subject. Never read by others. */
  people: 'people',
  /** auth-server: signing keys as private JWKs. Never read by others. */
  signingKeys: 'signing-keys',
  /** auth-server and edge-proxy: DPoP proofs that were used, `<hash>` → nothing, for minutes; and what nonces are made from, `nonce-secret` → 32 bytes. */
  dpop: 'dpop',
  /** edge-proxy: sessions of legacy clients, `<session id>` → JSON; and the key that seals requestState, `request-state-key` → 32 bytes. */
  sessions: 'sessions',
  /** edge-proxy: streams that ended after their client had gone, `<stream>` and `<stream>/<part>` → JSON. */
  streams: 'streams',
  /** edge-proxy: lists of upstreams that have changed, `<notification> <upstream>` → the edge that was told; for a minute. Watched by edges. */
  listChanges: 'list-changes',
  /** edge-proxy: calls that clients have cancelled where they are not in hand, `<random>` → sealed JSON; for seconds. Watched by edges. */
  cancellations: 'cancellations',
  /** token-vault: encrypted upstream credentials, `<upstream>` → envelope. */
  credentials: 'credentials',
  /** token-vault: encrypted named secrets, `<name>` → envelope. */
  secrets: 'secrets',
  /** token-vault: wrapped data keys, `keyring` → JSON; without them nothing in the two buckets above can be read. */
  dataKeys: 'data-keys',
  /** token-vault: what each principal's captured payloads are encrypted under, encrypted; `<digest of the principal>` → envelope. */
  payloadKeys: 'payload-keys',
  /** token-vault: principals whose captured payloads have just been erased, `principalHash()` → nothing; for minutes. Watched by edges. */
  payloadErasures: 'payload-erasures',
  /** token-vault: its public keys, `caller-proof` → X25519 public key (JWK, JSON) that `caller_proof` of a lease is sealed to. Watched by edges. */
  vaultKeys: 'vault-keys',
  /** token-vault: each principal's connections to upstreams, encrypted. */
  connections: 'connections',
  /** token-vault: the gateway as authorization servers of upstreams have registered it, encrypted. */
  upstreamClients: 'upstream-clients',
  /** token-vault: connecting under way (browser sessions, OAuth states) and leases of refreshes; all of it ends by itself. */
  connecting: 'connecting',
  /** token-vault: connections that have just changed, `connectionChangeKey()` → ConnectionChange (JSON); for minutes. Watched by edges. */
  connectionChanges: 'connection-changes',
  /** analytics: how far each sink is, `place/<sink>` → JSON, and who serves it, `lease/<sink>` → name; replays, `replay/<sink>/<id>` → JSON. */
  sinks: 'sinks',
  /** analytics: what each alert rule knows and has yet to tell, `rule/<rule>` → JSON; who silenced it, `silence/<rule>` → JSON; who evaluates rules, `lease/alerts` → name. */
  alerts: 'alerts',
  /** analytics: `latest` → the newest checkpoint of the audit trail, JWS; `copied` → number of the newest that has been copied; `rebuild` → the newest rebuild of the database, JSON. */
  checkpoints: 'checkpoints',
  /** analytics: `gate` → what deletions, exports and legal holds agree on (JSON); `intent` → the deletion under way; `status` → how the last pass was; `lease/retention` → who deletes. */
  retention: 'retention',
  /** everyone: how far each boot of an emitter of events is, `progress/<emitter>/<epoch>` → EmitterProgress (JSON); for a week. analytics compares that with what it has. */
  emitters: 'emitters',
} as const;

/** Name of a bucket. */
export type BucketName = (typeof BUCKETS)[keyof typeof BUCKETS];
