/** What happened · who writes it · which fields of an event it has · which keys its detail has. */
export const TYPES: Readonly<Record<string, readonly [string, string, readonly string[], Readonly<Record<string, string>>]>>;
