export { BusUnavailable, type Bus, type ConsumeOptions, type Consumption, type StreamMessage } from './bus.js';
export { LocalBus, type LocalBusOptions } from './local-bus.js';
export { NatsBus, type NatsBusOptions } from './nats-bus.js';
export { connectNats, type NatsLink, type NatsOptions } from './nats-link.js';
export { type GrowingPause } from './pause.js';
export { RpcFault, RpcUnavailable, type Rpc } from './rpc.js';
