export { AddressGuard, LOOPBACK } from './address-guard.js';
export type { EgressControl, EgressSink } from './connection.js';
export { Egress, EgressBlocked, type EgressRequest } from './egress.js';
