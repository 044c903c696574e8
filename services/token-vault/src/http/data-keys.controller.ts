import { Body, Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { actorFields, Problem, RequireRole, zodBody, type AdminRequest } from '@switchyard/admin-api';
import { destroyKeysBody, type DataKeysStatus, type DestroyedKeys, type RotatedKey } from '@switchyard/contracts';
import { VaultContext } from '../vault-context.js';
import { orProblem, requireAudit } from './vault-problems.js';

/** Data keys: what there are, replacing the current one, destroying all. No answer holds a key, wrapped or not. */
@Controller('api/v1/data-keys')
@RequireRole('admin')
export class DataKeysController {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @Get()
  async status(): Promise<DataKeysStatus> {
    const { keyring, reseal, tenant } = this.#vault;
    const stored = await keyring.status();
    if (stored?.state !== 'living') return { tenant, state: stored?.state ?? 'none', keys: [] };
    const keys = stored.keys.map(({ id, purpose, createdAtMs, kek, kekVersion }) => ({
      id,
      purpose,
      createdAt: new Date(createdAtMs).toISOString(),
      kek,
      kekVersion,
    }));
    const resealed = stored.current === stored.settled;
    return { tenant, state: 'living', current: stored.current, resealed, reseal: reseal.progress(), keys };
  }

  @Post('rotate')
  @HttpCode(200)
  async rotate(@Req() request: AdminRequest): Promise<RotatedKey> {
    requireAudit(this.#vault.audit);
    const current = await orProblem(() => this.#vault.upkeep.rotate(actorFields(request)));
    return { current };
  }

  @Post('destroy')
  @HttpCode(200)
  async destroy(
    @Body(zodBody(destroyKeysBody)) { confirm }: { readonly confirm: string },
    @Req() request: AdminRequest,
  ): Promise<DestroyedKeys> {
    const { audit, keyring, log, tenant } = this.#vault;
    const expected = `destroy all keys of ${tenant}`;
    if (confirm !== expected) {
      const detail = `Nothing was destroyed. To destroy all data keys, and with them every stored credential and secret, for good, send {"confirm": "${expected}"}.`;
      throw new Problem(409, { reason: 'not_confirmed', detail });
    }
    requireAudit(audit);
    const destroyed = await keyring.destroy();
    await audit.record({
      ...actorFields(request),
      type: 'vault.keys_destroyed',
      outcome: 'ok',
      detail: { count: String(destroyed) },
    });
    log.warn('the data keys of a tenant were destroyed', { tenant, count: destroyed });
    return { tenant, destroyed };
  }
}
