/** Notifications that upstreams may send to clients, beside progress. Whatever else they say has no place on a client's stream. */
export const RELAYED: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/message',
  'notifications/elicitation/complete',
]);
