export { isBatch, scanMessage } from './gate.js';
export type { Envelope, GateRefusal, MessageKind, Range } from './envelope.js';
