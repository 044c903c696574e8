export { isBatch, scanMessage } from './gate.js';
export type { Envelope, GateRefusal, MessageKind, Range } from './envelope.js';
export { splice, type Edit } from './splice.js';
export { listItems, type ListItem, type ListPage } from './list-items.js';
export { SseLimitExceeded, SseParser, type SseEvent } from './sse.js';
export { encodeSse, SSE_KEEPALIVE, type SseOutput } from './sse-encode.js';
export { isModern, LEGACY_REVISIONS, MODERN_REVISIONS, negotiateLegacy, type Era } from './revisions.js';
export { methodFor, METHODS, type MethodRow, type MethodShape } from './methods.js';
export {
  classify,
  type Classified,
  type ClassifyHead,
  type ClassifyReason,
  type ClassifyRefusal,
  type FieldValue,
} from './classify.js';
export { acceptsJsonAndEvents, isJsonContentType } from './media-types.js';
export { decodeHeaderValue, encodeHeaderValue } from './header-codec.js';
export { mirroredParameters, type MirroredParameter } from './mirrored-parameters.js';
export { exposedName } from './names.js';
export { compilePatterns } from './patterns.js';
export { decodeCursor, encodeCursor } from './cursor.js';
export { CODES, errorResponse, notificationMessage, requestMessage, resultResponse } from './jsonrpc.js';
