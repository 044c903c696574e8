export { BusUnavailable, type Bus, type ConsumeOptions, type Consumption, type StreamMessage } from './bus.js';
export { RpcFault, RpcUnavailable, type Rpc } from './rpc.js';
