import { Controller, Get, Header } from '@nestjs/common';
import { Public } from '@switchyard/admin-api';
import { VaultContext } from '../vault-context.js';
import { orProblem } from './vault-problems.js';

/** The keys that verify what upstreams are told of callers (RFC 7517). Anybody may read them. */
@Controller('.well-known')
export class UserClaimsController {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @Get('switchyard-user-jwks.json')
  @Public()
  @Header('cache-control', 'public, max-age=3600')
  keys(): Promise<object> {
    return orProblem(() => this.#vault.claims.jwks());
  }
}
