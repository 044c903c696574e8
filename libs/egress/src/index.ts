export type { ClientCertificate } from './connect.js';
export { AddressGuard, LOOPBACK } from './address-guard.js';
export type { EgressControl, EgressSink } from './connection.js';
export { FIELD_NAME, type FieldLines, NO_FIELDS, withField } from './field-lines.js';
export { Egress, EgressBlocked, type EgressRequest } from './egress.js';
