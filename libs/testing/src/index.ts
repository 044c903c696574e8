export { CERTIFICATE } from './certificate.js';
export { digest, newDpopKey, type DpopKey } from './dpop-key.js';
export { FakeClock } from './fake-clock.js';
export { freePort, freePorts } from './free-ports.js';
export { eventually } from './eventually.js';
export { expectWithin } from './within.js';
export { stopProcess } from './stop-process.js';
export { tempDir, type TempDir } from './temp-dir.js';
export { unusedName } from './unused-name.js';
export { cuttableWire, type CuttableWire } from './cuttable-wire.js';
export { natsServerBinary, natsUrl, startNats, type NatsServer, type NatsServerOptions } from './nats-server.js';
export { clickhouseUrl, startClickHouse, type ClickHouseServer } from './clickhouse-server.js';
export { startServerProcess, type ServerCommand, type ServerProcess } from './server-process.js';
export type { ReceivedRequest, TestUpstream, UpstreamOptions } from './legacy-upstream.js';
export type { ModernUpstream } from './modern-upstream.js';
export { startLegacyUpstream, startModernUpstream } from './mcp-upstreams.js';
export { FormBrowser, type ShownPage } from './form-browser.js';
export {
  answerResult,
  beginEvents,
  startScriptedUpstream,
  type Script,
  type ScriptedExchange,
  type ScriptedMessage,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
} from './scripted-upstream.js';
export { CLIENT_CERTIFICATES } from './client-certificates.js';
export { hasStrace, straceArgs, syncsOf, syscallsIn, type Sync, type Syscall } from './syscalls.js';
