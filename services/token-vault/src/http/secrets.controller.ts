import { Body, Controller, Delete, Get, Param, Put, Req } from '@nestjs/common';
import { actorFields, notFound, RequireRole, zodBody, zodParam, type AdminRequest } from '@switchyard/admin-api';
import { secretBody, secretName, type SecretChanged, type SecretList } from '@switchyard/contracts';
import { recordChanges } from '../credential-events.js';
import { VaultContext } from '../vault-context.js';
import { orProblem, requireAudit } from './vault-problems.js';

/** Named secrets, for `${secret:NAME}`. Write-only: nothing here ever answers with a value. */
@Controller('api/v1/secrets')
@RequireRole('admin')
export class SecretsController {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @Get()
  async list(): Promise<SecretList> {
    const names = await this.#vault.secrets.names();
    return { secrets: names.map((name) => ({ name })) };
  }

  @Put(':name')
  async put(
    @Param('name', zodParam('name', secretName)) name: string,
    @Body(zodBody(secretBody)) body: { readonly value: string },
    @Req() request: AdminRequest,
  ): Promise<SecretChanged> {
    requireAudit(this.#vault.audit);
    return orProblem(async () => {
      await this.#vault.secrets.put(name, body.value);
      return this.#changed(name, 'stored', request);
    });
  }

  @Delete(':name')
  async delete(@Param('name', zodParam('name', secretName)) name: string, @Req() request: AdminRequest): Promise<SecretChanged> {
    requireAudit(this.#vault.audit);
    return orProblem(async () => {
      if (!(await this.#vault.secrets.delete(name)))
        throw notFound(`There is no secret ${name}; GET /api/v1/secrets lists what there is.`);
      return this.#changed(name, 'deleted', request);
    });
  }

  async #changed(name: string, change: 'stored' | 'deleted', request: AdminRequest): Promise<SecretChanged> {
    const { audit, credentials, log } = this.#vault;
    const actor = actorFields(request);
    await audit.record({ ...actor, type: 'secret.changed', outcome: 'ok', detail: { name, change } });
    const changes = await credentials.secretChanged(name);
    await recordChanges(audit, changes, actor);
    log.info('a secret was changed', { name, outcome: change, count: changes.length });
    return { name, upstreams: changes.map(({ upstream }) => upstream) };
  }
}
