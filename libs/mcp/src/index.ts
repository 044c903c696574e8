export { isBatch, scanMessage } from './gate.js';
export type { Envelope, GateRefusal, MessageKind, Range } from './envelope.js';
export { splice, type Edit } from './splice.js';
export { listItems, type ListItem, type ListPage } from './list-items.js';
export { SseLimitExceeded, SseParser, type SseEvent } from './sse.js';
export { encodeSse, SSE_KEEPALIVE, type SseOutput } from './sse-encode.js';
export { isModern, LEGACY_REVISIONS, MODERN_REVISIONS, negotiateLegacy, REVISION_TABLES, revisionOf } from './revisions.js';
export type { Era } from './revisions/era.js';
export type { ContentType, RevisionTable } from './revisions/revision-table.js';
export { methodFor, methodIn, METHODS, type MethodRow, type MethodShape } from './methods.js';
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
export {
  inputRequiredResponse,
  isInputMethod,
  MOST_INPUTS,
  readInputRequired,
  type InputFault,
  type InputMethod,
  type InputRequest,
  type InputRequired,
} from './input-requests.js';
export {
  elicitAction,
  firstRoundEdits,
  readInputResponses,
  retryEdits,
  type InputAnswer,
  type Retry,
} from './input-responses.js';
export { inputAnswerOf, inputRequestOf, legacyServerRequest, type AskedByLegacy } from './legacy-input.js';
export { readUrlElicitations, urlElicitationRequired } from './url-elicitations.js';
export { capabilitiesFor, declares, inputNeed, requiredCapabilities, type InputNeed } from './client-capabilities.js';
export { META_KEYS } from './meta-keys.js';
export { elementsOf, memberAt, membersOf, jsonAt, sliceAt, stringAt, type Member } from './json-walk.js';
export { memberEdits, type MemberChanges } from './member-edits.js';
export { modernRequestEdits, type RequestMeta } from './modern-request.js';
export { legacyRequestEdits } from './legacy-request.js';
export { modernResultEdits, modernToolEdits, type ResultHints } from './modern-result.js';
export { legacyResultEdits, subscriptionIdEdits } from './legacy-result.js';
export {
  errorCodeEdits,
  missingCapabilities,
  toolErrorResponse,
  translateError,
  type ErrorVerdict,
  type InnerHopProblem,
} from './error-translation.js';
export { downgradeTool, type ToolFault, type ToolForm } from './downgrade-tool.js';
export { downgradeResult } from './downgrade-result.js';
export { downgradeInput, type InputForm } from './downgrade-input.js';
export { joinBatch, splitBatch, type BatchLimits, type BatchMessage, type BatchRefusal } from './batch.js';
export {
  createdTaskId,
  describedTaskId,
  namesExtension,
  readTask,
  relatedEdits,
  relatedTaskId,
  taskParamEdits,
  TASKS_EXTENSION,
  taskSupportOf,
  unrelatedEdits,
  wantsTasks,
  type TaskState,
  type TaskSupport,
  type TextAt,
} from './tasks.js';
