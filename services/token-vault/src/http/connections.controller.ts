import { Controller, Delete, Get, HttpCode, Param, Req } from '@nestjs/common';
import {
  actorFields,
  notFound,
  personFields,
  RequirePerson,
  RequireRole,
  type AdminRequest,
  type PersonRequest,
} from '@switchyard/admin-api';
import type { ConnectionInfoList } from '@switchyard/contracts';
import type { ChangedBy } from '../connections/connection-news.js';
import { VaultContext } from '../vault-context.js';
import { orProblem, requireAudit } from './vault-problems.js';

/** People's connections to upstreams: seen and ended by administrators. */
@Controller('api/v1/people')
@RequireRole('admin')
export class ConnectionsController {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @Get(':id/connections')
  @RequireRole('admin', 'auditor')
  list(@Param('id') id: string): Promise<ConnectionInfoList> {
    return listOf(this.#vault, id);
  }

  @Delete(':id/connections')
  @HttpCode(204)
  async endAll(@Req() request: AdminRequest, @Param('id') id: string): Promise<void> {
    await endOf(this.#vault, id, undefined, byAdmin(request));
  }

  @Delete(':id/connections/:connection')
  @HttpCode(204)
  async end(@Req() request: AdminRequest, @Param('id') id: string, @Param('connection') connection: string): Promise<void> {
    await endOf(this.#vault, id, connection, byAdmin(request));
  }
}

/** The same, by people themselves. */
@Controller('api/v1/me/connections')
@RequirePerson()
export class MyConnectionsController {
  readonly #vault: VaultContext;

  constructor(vault: VaultContext) {
    this.#vault = vault;
  }

  @Get()
  list(@Req() { person }: PersonRequest): Promise<ConnectionInfoList> {
    return listOf(this.#vault, person.subject);
  }

  @Delete(':connection')
  @HttpCode(204)
  async end(@Req() request: PersonRequest, @Param('connection') connection: string): Promise<void> {
    const by = { fields: personFields(request), reason: 'revoked_by_person' };
    await endOf(this.#vault, request.person.subject, connection, by);
  }
}

const byAdmin = (request: AdminRequest): ChangedBy => ({
  fields: actorFields(request),
  reason: 'revoked_by_admin',
  isOther: true,
});

async function listOf({ personal }: VaultContext, subject: string): Promise<ConnectionInfoList> {
  const found = await orProblem(() => personal.connectionsOf(subject));
  const connections = found.map(({ id, upstream, label, isDefault, state, at, account, scopes, connectedAtMs }) => ({
    ...{ id, upstream, label, default: isDefault, state, at, scopes: [...scopes] },
    ...(account !== undefined && { account }),
    ...(connectedAtMs > 0 && { connected_at: new Date(connectedAtMs).toISOString() }),
  }));
  return { connections };
}

/** @param connection all of them, where undefined @throws Problem */
async function endOf(vault: VaultContext, subject: string, connection: string | undefined, by: ChangedBy): Promise<void> {
  requireAudit(vault.audit);
  const ended = await orProblem(() => vault.personal.endConnections(subject, connection, by));
  if (ended === 0 && connection !== undefined) throw notFound('There is no connection of this id, or it has ended.');
}
