import { rpcSubject, VaultService } from './index.js';

describe('bus names', () => {
  it('names an RPC subject after its package, service and method', () => {
    expect(rpcSubject(VaultService.method.leaseCredential)).toBe('switchyard.rpc.vault.v1.VaultService.LeaseCredential');
  });
});
