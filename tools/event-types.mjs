// The rows of the catalogue of events; tools/event-catalogue.mjs makes the contract and the page of them.

import { ADMIN, names } from './event-fields.mjs';
import { RETENTION_TYPES } from './retention-event-types.mjs';

const EXCHANGE = names(
  'identity',
  'request',
  'principal',
  'attribution',
  'server',
  'client',
  'target',
  'ending',
  'ids',
  'sizes',
  'time',
  'rule',
);
const CALL = [...EXCHANGE, ...names('tokens')];
const SIGN_IN = names('identity', 'request', 'principal', 'client_name', 'reason', 'http_status');

const BECAUSE = { because: 'What decided within the reason, for example no_rule_grants or scope.' };
const RESULT = { result: 'What the call has become where it is no plain result: input_required or task.' };
const INTENT = { intent: 'Event id of the intent that went before, on servers with strict durability.' };
const CAPTURE = {
  capture: 'redacted or full, where arguments and result were captured; unavailable where they should have been.',
  capture_failed: 'Why they were not: vault_unavailable, key_destroyed or spool_full.',
  payload: 'Id of what was captured, which is kept apart and encrypted.',
  payload_sha256: 'SHA-256 of the ciphertext, in hexadecimal: the chain vouches for it, also once nobody can read it.',
};
const GRANT = { grant: 'Id of the grant.' };
const PERSON = { person: 'Subject of the person.' };
const KEY = {
  key_id: 'Id of the API key.',
  key_name: 'Name of the API key.',
  servers: 'Servers that it opens, separated by spaces.',
  roles: 'Roles that it has, separated by spaces.',
  first: 'true for the key that the gateway makes at its first start.',
};

const ALERT = {
  alert: 'Name of the rule.',
  kind: 'What kind of rule it is.',
  id: 'Id of this change.',
  count: 'How many of what the rule judges one by one it is about.',
  what: 'The first of them, in one sentence each, separated by line breaks.',
};

/** What happened · who writes it · which fields of an event it has · which keys its detail has. */
export const TYPES = {
  'tool.called': ['A tool was called.', 'edge-proxy', CALL, { ...BECAUSE, ...RESULT, ...INTENT, ...CAPTURE }],
  'tool.intended': [
    'Something is about to be done that may change something; its outcome follows.',
    'edge-proxy',
    CALL,
    { ...BECAUSE, intent_of: 'Type of the event that will say how it ended.' },
  ],
  'prompt.got': ['A prompt was got.', 'edge-proxy', CALL, { ...BECAUSE, ...RESULT, ...INTENT, ...CAPTURE }],
  'resource.read': ['A resource was read.', 'edge-proxy', CALL, { ...BECAUSE, ...RESULT, ...INTENT, ...CAPTURE }],
  'completion.made': ['An argument was completed.', 'edge-proxy', CALL, { ...BECAUSE, ...RESULT, ...INTENT, ...CAPTURE }],
  'task.used': [
    'A task was looked after: its state, its result, more input, or its end.',
    'edge-proxy',
    CALL,
    { ...BECAUSE, ...RESULT, ...INTENT, ...CAPTURE },
  ],
  'capability.listed': [
    'Tools, prompts, resources or templates were listed.',
    'edge-proxy',
    EXCHANGE,
    {
      ...BECAUSE,
      ...INTENT,
      count: 'How many were shown.',
      unavailable: 'Upstreams that could not be asked: <upstream>:<reason>, separated by commas.',
      left_out: 'Tools that no client of the revision could use, separated by commas.',
    },
  ],
  'session.opened': ['A session began.', 'edge-proxy', EXCHANGE, { ...BECAUSE, ...INTENT }],
  'session.closed': ['A session was ended by its client.', 'edge-proxy', EXCHANGE, { ...BECAUSE, ...INTENT }],
  'stream.opened': [
    'A standing stream began, on which the client hears what upstreams say by themselves.',
    'edge-proxy',
    EXCHANGE,
    {},
  ],
  'stream.closed': [
    'A standing stream ended. duration_us is how long it stood.',
    'edge-proxy',
    EXCHANGE,
    { ...BECAUSE, ...INTENT },
  ],
  'policy.denied': [
    'The configuration does not grant this. rule is what decided.',
    'edge-proxy',
    CALL,
    { ...BECAUSE, ...INTENT },
  ],
  'request.refused': ['A request was refused before it was known what it wants.', 'edge-proxy', CALL, { ...BECAUSE, ...INTENT }],
  'proxy.hop': [
    'One attempt at an upstream: the status that it gave, and how long it took.',
    'edge-proxy',
    [...EXCHANGE, 'attempt'],
    {},
  ],
  'auth.rejected': [
    'Somebody was not let in.',
    'edge-proxy, auth-server, and every service with an API',
    [...CALL],
    {
      ...BECAUSE,
      ...INTENT,
      endpoint: 'Endpoint of the authorization server.',
      provider: 'Identity provider whose word was not followed.',
      code: 'Its error code, or what did not hold.',
      document: 'What is wrong with a client’s metadata document.',
      key_id: 'Of unknown_key: the signing key that a token names, and nobody publishes.',
    },
  ],
  'auth.signed_in': ['Somebody signed in.', 'auth-server', SIGN_IN, { provider: 'Identity provider that vouched for them.' }],
  'auth.signed_out': [
    'Everything that somebody had here ended: sessions, codes and grants.',
    'auth-server',
    SIGN_IN,
    { provider: 'Identity provider that they had signed in with.', ...PERSON },
  ],
  'auth.token_issued': [
    'A client was given tokens.',
    'auth-server',
    [...SIGN_IN, 'server', 'on_behalf_of'],
    {
      grant_type: 'How they were asked for (OAuth).',
      ...GRANT,
      replayed: 'true where they had been given before, and were given once more.',
    },
  ],
  'auth.identity_asserted': [
    'A person’s identity provider was asked to say who they are to an upstream’s authorization server (ID-JAG), or was not.',
    'auth-server',
    names('identity', 'request', 'principal', 'upstream', 'reason'),
    {
      provider: 'Identity provider that they had signed in with.',
      audience: 'Issuer of the upstream’s authorization server.',
      resource: 'The upstream, as that server knows it.',
      code: 'Error code of the provider, or what did not hold.',
    },
  ],
  'auth.client_registered': ['A client registered itself.', 'auth-server', SIGN_IN, {}],
  'auth.grant_revoked': [
    'Everything that was issued under a grant ended.',
    'auth-server',
    SIGN_IN,
    { ...GRANT, client: 'Client that had it.', ...PERSON },
  ],
  'auth.token_revoked': ['One access token ended before its time.', 'auth-server', SIGN_IN, { token: 'Its id, jti.', ...GRANT }],
  'auth.person_disabled': ['A person was kept out from now on.', 'auth-server', ADMIN, PERSON],
  'auth.person_enabled': ['A person was let in again.', 'auth-server', ADMIN, PERSON],
  'auth.key_created': ['An API key was made.', 'auth-server', ADMIN, KEY],
  'auth.key_revoked': ['An API key was revoked.', 'auth-server', ADMIN, KEY],
  'auth.signing_key_rotated': ['Tokens are signed with a new key.', 'auth-server', ADMIN, {}],
  'config.applied': [
    'A new configuration is served.',
    'capability-registry',
    names('identity', 'principal_name', 'reason', 'snapshot'),
    {
      file: 'Name of the configuration file.',
      servers: 'How many servers it has.',
      upstreams: 'How many upstreams it has.',
      before: 'Revision of the one before.',
      changes: 'What is other than before: + added, - removed, ~ changed; paths separated by commas.',
      author_known_by: 'How the author in principal_name is known: git, of the commit that the file is of; owner, of the file.',
      commit: 'Git commit that the file is of.',
    },
  ],
  'config.rejected': [
    'A configuration cannot be used; the last good one stays.',
    'capability-registry',
    names('identity', 'principal_name', 'reason', 'snapshot'),
    {
      file: 'Name of the configuration file.',
      message: 'What is wrong with it.',
      author_known_by: 'How the author in principal_name is known: git or owner.',
      commit: 'Git commit that the file is of.',
    },
  ],
  'connection.leased': [
    'The vault lent a credential to an edge or a sink, or did not.',
    'token-vault',
    [
      ...names('identity', 'request', 'principal', 'attribution', 'upstream', 'reason', 'client_name', 'client_version'),
      'server',
    ],
    { edge: 'Process that asked.', version: 'Version of the credential.', cause: 'Why not, for administrators.' },
  ],
  'connection.changed': [
    'A credential for an upstream was stored, replaced, refreshed, lost or removed.',
    'token-vault',
    names('identity', 'request', 'principal', 'upstream', 'reason'),
    {
      change: 'What became of it.',
      label: 'Which of the person’s connections.',
      version: 'Version of the credential.',
      error: 'Error code of the upstream’s authorization server.',
    },
  ],
  'secret.changed': [
    'A named secret was stored or removed.',
    'token-vault',
    ADMIN,
    { name: 'Its name.', change: 'What became of it.' },
  ],
  'vault.key_rotated': ['New records are encrypted with a new data key.', 'token-vault', ADMIN, { key_id: 'Its id.' }],
  'vault.keys_destroyed': [
    'All data keys of the tenant were destroyed: what they encrypt can be read no more.',
    'token-vault',
    ADMIN,
    { count: 'How many keys.' },
  ],
  'payload.read': [
    'Somebody read what was captured of a call, or was kept from it.',
    'analytics, token-vault',
    ADMIN,
    { event: 'Event that refers to it.', payload: 'Its id.', cause: 'Why not, for administrators.' },
  ],
  'payload.erased': [
    'What was captured of a principal was made unreadable for good, or a legal hold has kept it.',
    'token-vault',
    ADMIN,
    {
      erased_issuer: 'Issuer of the principal.',
      erased_subject: 'Subject of the principal.',
      count: 'How many keys were destroyed; 0 where nothing had been captured since the last time.',
      holds: 'Names of the legal holds that have kept it, separated by spaces.',
    },
  ],
  'auth.client_deleted': [
    'A client was taken away, with everything that it had been given.',
    'auth-server',
    ADMIN,
    { client: 'Its id.', client_name: 'Its name.' },
  ],
  'audit.checkpoint_signed': [
    'A checkpoint of the chains of all emitters was signed.',
    'analytics',
    names('identity'),
    {
      number: 'Its number, from 1.',
      digest: 'SHA-256 of the checkpoint.',
      jws: 'The checkpoint: a JWS.',
    },
  ],
  ...RETENTION_TYPES,
  'audit.shed': [
    'Events could not be recorded, where the configuration lets reads go on without.',
    'every process',
    names('identity', 'reason', 'origin'),
    {
      '*': 'since and until: from when to when. events: how many in all. Every other key: a type with its outcome or reason, and how many of those.',
    },
  ],
  'audit.gap_found': [
    'The database has not what an emitter recorded.',
    'analytics',
    names('identity', 'reason', 'origin'),
    {
      emitter: 'Process whose events are missing.',
      epoch: 'Its boot.',
      first: 'First sequence that is missing.',
      last: 'Last sequence that is missing.',
      missing: 'How many are.',
    },
  ],
  'audit.gap_closed': [
    'What was missing has come, or part of it.',
    'analytics',
    names('identity', 'reason', 'origin'),
    {
      emitter: 'Process whose events were missing.',
      epoch: 'Its boot.',
      first: 'First sequence that was missing.',
      last: 'Last sequence that was missing.',
      still_missing: 'How many are missing still.',
    },
  ],
  'alert.fired': [
    'Something that people are told of began.',
    'analytics',
    names('identity'),
    {
      ...ALERT,
      silenced: 'true where nobody is told at the time.',
    },
  ],
  'alert.resolved': ['Something that people were to be told of is over.', 'analytics', names('identity'), ALERT],
  'alert.silenced': [
    'Somebody had an alert told to nobody for a time, or ended such a time.',
    'analytics',
    ADMIN,
    { alert: 'Name of the rule.', until: 'Until when; empty where the silence was ended.', because: 'Why, in their words.' },
  ],
  'alert.undelivered': [
    'A channel did not take a message, and it is not sent any more.',
    'analytics',
    names('identity', 'reason'),
    {
      alert: 'Name of the rule.',
      id: 'Id of the message.',
      channel: 'Name of the channel.',
      attempts: 'How often it was sent.',
      what: 'fired, firing or resolved: what it says.',
    },
  ],
  'event.unreadable': [
    'A line of the stream is no event: it is kept in dead_letters, and this one stands in its place.',
    'analytics',
    names('identity', 'reason'),
    {
      bytes: 'Its length.',
      sha256: 'Digest of it, in hexadecimal.',
      message_id: 'The message that it came in.',
      line: 'Its place there, from 1.',
    },
  ],
  'audit.rebuild_started': [
    'Somebody has had the database filled from the stream again.',
    'analytics',
    ADMIN,
    { id: 'Id of the rebuild.', messages: 'Batches that the stream had by then, from the first one on.' },
  ],
  'sink.replayed': [
    'Somebody has had events of the past, or refused ones, sent to a sink again.',
    'analytics',
    ADMIN,
    {
      sink: 'Name of the sink.',
      id: 'Id of the replay.',
      source: 'events or dead-letters: what is sent.',
      from: 'Since when it happened.',
      to: 'Until when.',
    },
  ],
};
