const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long what the authorization server issues is good for. */
export const LIFETIMES = {
  authorizationCodeMs: minuteMs,
  accessTokenMs: 5 * minuteMs,
  /** From sign-in on, however often it is rotated. */
  refreshTokenMs: 30 * dayMs,
  grantMs: 30 * dayMs,
  /** How long a rotated refresh token still gets the answer that it was first given. */
  refreshGraceMs: 10 * secondMs,
  /** Longest wait of a refresh for the answer of another one that came first. */
  refreshWaitMs: 400,
  /** How long somebody has to type what their device shows. */
  deviceCodeMs: 10 * minuteMs,
  interactionMs: 10 * minuteMs,
  browserSessionMs: 12 * hourMs,
  /** How long people stay signed in while their identity provider cannot be asked whether they may. */
  providerOutageMs: dayMs,
  /** Longest that one question to an identity provider keeps others from asking the same. */
  providerCheckMs: 30 * secondMs,
  /** How long a signing key signs. */
  keySignsMs: 30 * dayMs,
  /** How long the next signing key is published before it signs. */
  keyPublishedMs: hourMs,
  /**
   * The same on command. Edges fetch an unknown key at once, but no two documents within 30 s: whoever fetched so lately that it may not
   * fetch again must have seen the key.
   */
  keyCommandLeadMs: 2 * minuteMs,
  /** How long a key that signs no more is published: longer than what it signed is good for, skew included. */
  keyVerifyOnlyMs: 10 * minuteMs,
  /** How long it stands that something was revoked: longer than any access token lives, skew included. */
  revocationMs: 15 * minuteMs,
  /** A registration that nobody signs in with goes after this. */
  unusedClientMs: dayMs,
  /** How long a client stays known that is described at an address which cannot be reached to ask again. */
  clientDocumentOutageMs: dayMs,
  /** How long wrong secrets of a client count. */
  failedAuthenticationMs: minuteMs,
  /** How long it is remembered that what is at a client's address cannot be used. */
  refusedClientDocumentMs: minuteMs,
} as const;
