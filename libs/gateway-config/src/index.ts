export type { PriceConfig } from './audit-prices.js';
export {
  gatewaySchema,
  type AccessRuleConfig,
  type GatewayConfig,
  type ServerConfig,
  type SourceConfig,
  type TeamConfig,
} from './gateway-schema.js';
export type { ServerEntry } from './server-schema.js';
export type { CredentialConfig } from './credential-schema.js';
export type { HttpUpstream, StdioUpstream, UpstreamConfig, UpstreamEntry } from './upstream-schema.js';
export type { IdentityProviderConfig } from './identity-section.js';
export { identityReferences } from './identity-references.js';
export { holdsVaultReference } from './secret-reference.js';
export type { AppClientConfig } from './app-clients.js';
export type { ServiceClientConfig } from './service-clients.js';
export { IDENTITY_PRESETS } from './identity-presets.js';
export type { CertificateKeys, CertificateSubject } from './client-certificates.js';
export { certificateProxiesSection, tlsSection, type CertificateProxiesConfig, type TlsConfig } from './tls-section.js';
export { isLoopbackHost } from './loopback.js';
export { loadGatewayConfig, parseGatewayConfig, type GatewayOverrides } from './load.js';
export { gatewayJsonSchema } from './json-schema.js';
export { importMcpServers, type Imported } from './import-mcp-servers.js';
export { addUpstream, mergeImport, type AddOptions } from './edit-gateway-file.js';
export { sinkSchema, type SinkConfig, type SinkConfigOf } from './sinks/sink-schema.js';
export { SYSLOG_FACILITIES } from './sinks/syslog-sink.js';
export { fillSinkReferences, sinkReferences } from './sinks/sink-references.js';
export { retentionDays } from './audit-retention.js';
export { alertRuleSchema, type AlertRuleConfig, type AlertRuleConfigOf } from './alerts/alert-rules.js';
export { alertChannelSchema, type AlertChannelConfig, type AlertChannelConfigOf } from './alerts/alert-channels.js';
export type { SilenceWindow } from './alerts/silence-window.js';
