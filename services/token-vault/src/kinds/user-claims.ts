import type { Kind } from './kind.js';

/** Signed claims of whoever calls: made for each caller, so that settings alone show nothing. Setting `audience`. */
export const userClaims: Kind = {
  problems: ({ audience = '' }) => (audience === '' ? ['the audience of the signed claims would be empty. Name one.'] : []),
  show: () => ({}),
};
