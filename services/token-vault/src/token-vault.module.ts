import { Module, type DynamicModule } from '@nestjs/common';
import { ConnectionsController, MyConnectionsController } from './http/connections.controller.js';
import { DataKeysController } from './http/data-keys.controller.js';
import { UserClaimsController } from './http/user-claims.controller.js';
import { SecretsController } from './http/secrets.controller.js';
import { PayloadsController } from './http/payloads.controller.js';
import { ApplyCredentialsHandler } from './rpc/apply-credentials.js';
import { LeaseCredentialHandler } from './rpc/lease-credential.js';
import { LeaseIdentitySecretsHandler } from './rpc/lease-identity-secrets.js';
import { LeaseSinkSecretsHandler } from './rpc/lease-sink-secrets.js';
import { LeasePayloadKeyHandler } from './rpc/lease-payload-key.js';
import { OpenPayloadHandler } from './rpc/open-payload.js';
import { VaultContext } from './vault-context.js';

/** The vault's RPC handlers and its HTTP side. */
@Module({})
export class TokenVaultModule {
  static with(vault: VaultContext): DynamicModule {
    return {
      module: TokenVaultModule,
      controllers: [
        LeaseCredentialHandler,
        LeaseSinkSecretsHandler,
        LeaseIdentitySecretsHandler,
        LeasePayloadKeyHandler,
        OpenPayloadHandler,
        ApplyCredentialsHandler,
        SecretsController,
        DataKeysController,
        PayloadsController,
        UserClaimsController,
        ConnectionsController,
        MyConnectionsController,
      ],
      providers: [{ provide: VaultContext, useValue: vault }],
    };
  }
}
