export { AddressGuard, LOOPBACK } from './address-guard.js';
export { Egress, EgressBlocked, type EgressControl, type EgressRequest, type EgressSink } from './egress.js';
