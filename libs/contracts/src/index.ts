export { rpcSubject, type RpcMethod } from './rpc.js';
export { IDENTITY_CREDENTIAL } from './identity-credential.js';
export { channelOfCredential, channelSink, isSinkCredential, sinkCredential } from './sink-credential.js';
export {
  EVENTS_INGEST_CONSUMER,
  EVENTS_STREAM,
  eventsSubject,
  PAYLOADS_INGEST_CONSUMER,
  PAYLOADS_STREAM,
  payloadsSubject,
  type StreamDefinition,
} from './streams.js';
export {
  capturedPayload,
  eraseCapturedBody,
  erasedPayloads,
  type CapturedPayload,
  type EraseCapturedBody,
  type ErasedPayloads,
} from './openapi/payloads.js';
export { BUCKETS, type BucketName } from './buckets.js';
export { emitterProgress, emitterProgressKey, parseEmitterProgressKey, type EmitterProgress } from './emitter-progress.js';
export {
  CALLER_PROOF_KEY,
  connectionChange,
  connectionChangeKey,
  principalHash,
  type ConnectionChange,
} from './connection-changes.js';
export {
  legalHoldBody,
  legalHoldList,
  legalHoldName,
  legalHoldRelease,
  legalHoldSet,
  legalHoldView,
  RETENTION_REFUSALS,
  retentionView,
  type LegalHoldBody,
  type LegalHoldList,
  type LegalHoldSet,
  type LegalHoldView,
  type RetainedTableView,
  type RetentionRefusal,
  type RetentionView,
} from './openapi/retention.js';
export { auditExportQuery, auditKeys, type AuditExportQuery, type AuditKeys } from './openapi/audit-export.js';
export { openApiDocument } from './openapi/document.js';
export { type EventFilters } from './openapi/event-filters.js';
export {
  eventsExportQuery,
  eventsPage,
  eventsQuery,
  eventView,
  eventsTailQuery,
  exportEnd,
  tailEnd,
  tailReset,
  type EventsExportQuery,
  type EventsPage,
  type EventsQuery,
  type EventsTailQuery,
  type EventView,
  type ExportEnd,
  type TailEnd,
  type TailReset,
} from './openapi/events.js';
export {
  EVENT_TYPES,
  ORIGINS,
  OUTCOMES,
  SEVERITIES,
  STAGES,
  type EventFields,
  type EventType,
  type Origin,
  type Outcome,
  type Severity,
  type Stage,
} from './events.js';
export { CLAIMS_HEADER, CONNECT_CLIENT, DEFAULT_TENANT, type Principal } from './identity.js';
export { EventSchema, type Event, type EventJson } from './gen/switchyard/events/v1/event_pb.js';
export {
  BeginErasureRequestSchema,
  BeginErasureResponseSchema,
  EndErasureRequestSchema,
  EndErasureResponseSchema,
  ErasureService,
  type BeginErasureRequest,
  type EndErasureRequest,
} from './gen/switchyard/analytics/v1/erasure_pb.js';
export {
  AssertionService,
  ObtainIdJagRequestSchema,
  ObtainIdJagResponseSchema,
  type ObtainIdJagRequest,
  type ObtainIdJagResponse,
} from './gen/switchyard/auth/v1/assertion_pb.js';
export { RevocationSchema, RevokedKind, type Revocation } from './gen/switchyard/auth/v1/revocation_pb.js';
export { ApiKeyRecordSchema, type ApiKeyRecord, type ApiKeyRecordJson } from './gen/switchyard/auth/v1/api_key_pb.js';
export {
  ApplyCredentialsRequestSchema,
  ApplyCredentialsResponseSchema,
  CredentialMaterialSchema,
  LeaseCredentialRequestSchema,
  LeaseCredentialResponseSchema,
  LeaseIdentitySecretsRequestSchema,
  LeaseIdentitySecretsResponseSchema,
  LeasePayloadKeyRequestSchema,
  LeasePayloadKeyResponseSchema,
  LeaseSinkSecretsRequestSchema,
  LeaseSinkSecretsResponseSchema,
  OpenPayloadRequestSchema,
  OpenPayloadResponseSchema,
  PayloadKeyMaterialSchema,
  VaultService,
  type ApplyCredentialsRequest,
  type ApplyCredentialsResponse,
  type CredentialMaterial,
  type CredentialMaterialJson,
  type CredentialTemplate,
  type LeaseCredentialRequest,
  type LeaseCredentialResponse,
  type LeaseIdentitySecretsRequest,
  type LeaseIdentitySecretsResponse,
  type LeasePayloadKeyRequest,
  type LeaseSinkSecretsRequest,
  type LeaseSinkSecretsResponse,
  type OpenPayloadRequest,
  type PayloadKeyMaterial,
  type PayloadReader,
  type VaultRefusal,
} from './gen/switchyard/vault/v1/vault_pb.js';
export { EdgeService } from './gen/switchyard/edge/v1/answer_pb.js';
export { EdgeStreamService } from './gen/switchyard/edge/v1/stream_pb.js';
export {
  type AskedSchema,
  ContentSchema,
  type RefusedSchema,
  StreamState,
  type Asked,
  type Content,
  type PostMessageRequest,
  type ReadRoundRequest,
  type ReadStreamRequest,
  type Refused,
  type ResumeCallRequest,
  type RoundEnd,
} from './gen/switchyard/edge/v1/relay_pb.js';
export {
  CaptureMode,
  CredentialOwner,
  AppClientSchema,
  PriceSchema,
  SnapshotSchema,
  type AccessRule,
  type AlertRule,
  type AuditSink,
  type Capture,
  type GuardScope,
  type Price,
  type Server,
  type AppClient,
  type Snapshot,
  type SnapshotJson,
  type Source,
  type Team,
  type Upstream,
} from './gen/switchyard/registry/v1/snapshot_pb.js';
export {
  apiKeyView,
  createKeyRequest,
  createdKey,
  keyList,
  keysPaths,
  signingKeyList,
  type ApiKeyView,
  type CreateKeyRequest,
  type CreatedKey,
  type KeyList,
  type SigningKeyList,
} from './openapi/keys.js';
export {
  configStatus,
  registryPaths,
  serverList,
  upstreamList,
  type ConfigStatus,
  type ServerList,
  type UpstreamList,
} from './openapi/registry.js';
export {
  dataKeysStatus,
  destroyedKeys,
  destroyKeysBody,
  rotatedKey,
  type DataKeysStatus,
  type DestroyedKeys,
  type RotatedKey,
} from './openapi/data-keys.js';
export {
  secretBody,
  secretChanged,
  secretList,
  secretName,
  secretsPaths,
  type SecretChanged,
  type SecretList,
} from './openapi/secrets.js';
export {
  peopleList,
  peoplePaths,
  peopleQuery,
  sessionList,
  type PeopleList,
  type PeopleQuery,
  type PersonView,
  type SessionList,
  type SessionView,
} from './openapi/people.js';
export {
  gapList,
  gapsQuery,
  pipelineHealth,
  type EmitterHealth,
  type GapList,
  type GapsQuery,
  type PipelineFault,
  type PipelineHealth,
  type PipelineProblem,
  type SinkHealth,
} from './openapi/pipeline.js';
export { requestStory, storyStep, type RequestStory, type StoryStep } from './openapi/story.js';
export {
  costAnswer,
  costQuery,
  usageAnswer,
  usageQuery,
  usageTop,
  usageTopQuery,
  type CostAnswer,
  type CostQuery,
  type UsageAnswer,
  type UsageGroup,
  type UsageInterval,
  type UsageMeasure,
  type UsageQuery,
  type UsageRow,
  type UsageTop,
  type UsageTopQuery,
} from './openapi/usage.js';
export { connectionList, type ConnectionInfo, type ConnectionInfoList } from './openapi/connections.js';
export { rebuildBody, rebuildView, type RebuildBody, type RebuildView } from './openapi/rebuild.js';
export {
  replayBody,
  replayList,
  replayView,
  sinkList,
  sinkName,
  sinkView,
  type ReplayBody,
  type ReplayList,
  type ReplayView,
  type SinkList,
} from './openapi/sinks.js';
export {
  alertList,
  alertName,
  alertView,
  silenceBody,
  silenceView,
  type AlertList,
  type AlertView,
  type SilenceBody,
  type SilenceView,
} from './openapi/alerts.js';
