export { StateUnavailable, type CasResult, type KvChange, type KvEntry, type KvStore, type KvWatch, type State } from './kv.js';
export { NatsState, type NatsStateOptions } from './nats-state.js';
export { openSharedSecret } from './shared-secret.js';
export { SqliteState, type SqliteStateOptions } from './sqlite-state.js';
export { WatchedMap, type WatchedMapOptions } from './watched-map.js';
