export { StateUnavailable, type CasResult, type KvChange, type KvEntry, type KvStore, type KvWatch, type State } from './kv.js';
