export { systemClock, type Clock } from './clock.js';
export { ConfigError, formatPath, type ConfigProblem, type SourcePosition } from './config-error.js';
export {
  loadConfigFile,
  parseConfig,
  parseConfigText,
  positionInText,
  readConfigFile,
  type ParseOptions,
} from './parse-config.js';
export { Secret, secretText } from './secret.js';
export { resolveReferences, type ReferenceSource, type Resolved } from './references.js';
export { editConfigText, type TextChange } from './edit-text.js';
export { suggest } from './suggest.js';
export { Expiring, type Granted } from './expiring.js';
export type { Readiness, RunningService } from './running-service.js';
export { startManagement, type Management, type ManagementOptions } from './management.js';
export { boot, type BootOptions, type Booted } from './boot.js';
export { refuseInspector } from './refuse-inspector.js';
