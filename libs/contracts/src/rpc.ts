import type { DescMessage, DescMethodUnary } from '@bufbuild/protobuf';

/** A unary RPC of a service in proto/: carries the schemas of its request and response. */
export type RpcMethod<Request extends DescMessage = DescMessage, Response extends DescMessage = DescMessage> = DescMethodUnary<
  Request,
  Response
>;

/**
 * Subject that a unary RPC is served on.
 * @param method a method of a service in proto/, for example `VaultService.method.leaseCredential`
 * @param instance the one that is to answer, where a service's instances serve the method each for itself
 * @returns for example `switchyard.rpc.vault.v1.VaultService.LeaseCredential`
 */
export function rpcSubject(method: RpcMethod, instance?: string): string {
  const subject = `switchyard.rpc.${method.parent.typeName.replace(/^switchyard\./, '')}.${method.name}`;
  return instance === undefined ? subject : `${subject}.${instance}`;
}
