export {
  BusUnavailable,
  StreamNotKept,
  type Bus,
  type ConsumeOptions,
  type Consumption,
  type StreamExtent,
  type StreamMessage,
} from './bus.js';
export type { ReadLimits, StreamReader } from './stream-reader.js';
export { LocalBus, type LocalBusOptions } from './local-bus.js';
export { NatsBus, type NatsBusOptions } from './nats-bus.js';
export { connectNats, type NatsLink, type NatsOptions } from './nats-link.js';
export { deliveryOf, type Delivery } from './delivery.js';
export { pause, pauseAfter, type GrowingPause } from './pause.js';
export { RpcFault, RpcUnavailable, type Rpc } from './rpc.js';
export { LocalRpc } from './local-rpc.js';
export { NatsRpc } from './nats-rpc.js';
export { serveInstance, type ServedInstance } from './serve-instance.js';
export { messagePipe } from './message-pipe.js';
export { encodeMessage } from './call-codec.js';
