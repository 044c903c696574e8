export { newCheckpointKey, parseCheckpointKey, publicCheckpointKey } from './checkpoint-key.js';
export { chainRunOf, type ChainRun } from './chain-run.js';
export { ChainCheck, CHAIN_FAULTS, type ChainFault, type ChainFaultKind, type ChainHead } from './chain-check.js';
export {
  checkpointDigest,
  headsOf,
  readCheckpoint,
  signCheckpoint,
  type Checkpoint,
  type CheckpointKey,
  type SignedCheckpoint,
} from './checkpoint.js';
export { readRetentionRecord, signRetentionRecord, type DeletedRange, type RetentionRecord } from './retention-record.js';
export { firstLink, linkOf } from './chain.js';
export { verifyExport, type BrokenExport, type ExportHeader, type Trust, type VerifiedExport } from './verify-export.js';
export { Audit, type AuditOptions, type AuditProgress, type Intent } from './audit.js';
export {
  renderEvent,
  renderCaller,
  renderCircumstances,
  renderRule,
  renderSession,
  type CallerFields,
  type CircumstanceFields,
  type EventIdentity,
} from './render-event.js';
export { SpoolFull } from './spool-full.js';
export { SpoolInUse } from './spool-lock.js';
export { openPayload, payloadDigest, sealPayload, type PayloadBinding } from './payloads/seal-payload.js';
export { parsePayload, type PayloadLine, type SealedPayload } from './payloads/payload-line.js';
