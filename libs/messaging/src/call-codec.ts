import {
  create,
  fromJson,
  toJson,
  type DescMessage,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { RpcMethod } from '@switchyard/contracts';
import { RpcFault } from './rpc.js';

/**
 * ProtoJSON of a message, for replies of RPC handlers.
 * @param init fields of the message; the rest is at its default
 */
export function encodeMessage<Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>): JsonValue {
  return toJson(schema, create(schema, init));
}

/**
 * Parses ProtoJSON. Fields that this version does not know are left out: the other side may be newer.
 * @throws Error that names the field where the value does not fit
 */
export function decodeMessage<Schema extends DescMessage>(schema: Schema, json: JsonValue): MessageShape<Schema> {
  return fromJson(schema, json, { ignoreUnknownFields: true });
}

/** Parses the reply of a method. @throws RpcFault when it is not what the contract says */
export function decodeReply<Request extends DescMessage, Response extends DescMessage>(
  method: RpcMethod<Request, Response>,
  json: JsonValue,
): MessageShape<Response> {
  try {
    return decodeMessage(method.output, json);
  } catch (cause) {
    throw new RpcFault(`${nameOf(method)} answered with something else than its contract says`, { cause });
  }
}

/** Name of a method for error messages. */
export function nameOf(method: RpcMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}
