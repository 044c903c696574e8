/** Injection tokens of values that are no classes of this service. */
export const ASSERTING = Symbol('asserting');
export const AUDIT = Symbol('audit');
export const ENDED_CLIENTS = Symbol('ended clients');
export const CLOCK = Symbol('clock');
export const PUBLIC_URL = Symbol('public URL');
