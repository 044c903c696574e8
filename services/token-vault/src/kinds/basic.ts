import type { Kind } from './kind.js';

/** `Authorization: Basic …` (RFC 7617): settings `username` and `password`, sent as UTF-8. */
export const basic: Kind = {
  problems: ({ username = '', password = '' }) => [
    ...(username.includes(':') ? ['the user name would hold ":", which ends it (RFC 7617). Correct what it refers to.'] : []),
    // Control characters are not part of either (RFC 7617 section 2).
    ...(/\p{Cc}/u.test(username + password)
      ? ['the user name or the password would hold a control character, for example a line break. Correct what it refers to.']
      : []),
  ],
  show: ({ username = '', password = '' }) => ({
    headers: { Authorization: `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}` },
  }),
};
