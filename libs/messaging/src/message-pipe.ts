import type { DescMessage, JsonValue, MessageShape } from '@bufbuild/protobuf';
import type { PipeTransform } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { decodeMessage } from './call-codec.js';

/**
 * A pipe for `@Payload(messagePipe(Schema))` of an RPC handler: parses ProtoJSON into the message.
 * Throws RpcException (a fault to the caller) when the payload is not that message.
 */
export function messagePipe<Schema extends DescMessage>(schema: Schema): PipeTransform<JsonValue, MessageShape<Schema>> {
  return {
    transform: (payload) => {
      try {
        return decodeMessage(schema, payload);
      } catch (error) {
        throw new RpcException(
          `the payload is not a ${schema.typeName}: ${error instanceof Error ? error.message : 'unreadable'}`,
        );
      }
    },
  };
}
