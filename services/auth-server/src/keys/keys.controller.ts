import { timestampDate, timestampMs } from '@bufbuild/protobuf/wkt';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { actorFields, notFound, Problem, RequireRole, zodBody, type AdminRequest } from '@switchyard/admin-api';
import {
  createKeyRequest,
  type ApiKeyRecord,
  type ApiKeyView,
  type CreatedKey,
  type CreateKeyRequest,
  type EventFields,
  type KeyList,
} from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import { AUDIT, CLOCK } from '../injection-tokens.js';
import type { EventSink } from '../events/event-sink.js';
import { KeyRegister } from './key-register.js';

const DAY_MS = 86_400_000;

/** API keys: made, listed and revoked by administrators. */
@Controller('api/v1/keys')
@RequireRole('admin')
export class KeysController {
  readonly #register: KeyRegister;
  readonly #audit: EventSink;
  readonly #clock: Clock;

  constructor(@Inject(KeyRegister) register: KeyRegister, @Inject(AUDIT) audit: EventSink, @Inject(CLOCK) clock: Clock) {
    this.#register = register;
    this.#audit = audit;
    this.#clock = clock;
  }

  @Get()
  async list(): Promise<KeyList> {
    return { keys: (await this.#register.list()).map(view) };
  }

  @Post()
  async create(@Req() request: AdminRequest, @Body(zodBody(createKeyRequest)) body: CreateKeyRequest): Promise<CreatedKey> {
    this.#refuseUnlessRecorded();
    const { name, servers, roles, expires_in_days: days } = body;
    const expiry = days === undefined ? {} : { expiresAtMs: this.#clock.now() + days * DAY_MS };
    const { text, record } = await this.#register.create({ name, servers, roles, ...expiry });
    await this.#recordOrUndo(keyEvent('auth.key_created', request, record, 201), record);
    return { ...view(record), key: text };
  }

  @Delete(':id')
  @HttpCode(204)
  async revoke(@Req() request: AdminRequest, @Param('id') id: string): Promise<void> {
    this.#refuseUnlessRecorded();
    const record = await this.#register.find(id);
    if (record === undefined) throw notFound('There is no API key with this id.');
    if (await this.#isLastAdmin(record)) {
      const detail = 'This is the last key with the role admin: nobody could make another one. Make one first.';
      throw new Problem(409, { reason: 'last_admin_key', detail });
    }
    await this.#register.revoke(id);
    await this.#audit.record(keyEvent('auth.key_revoked', request, record, 204));
  }

  /** A key that nothing says was made must not exist. */
  async #recordOrUndo(event: EventFields, record: ApiKeyRecord): Promise<void> {
    try {
      await this.#audit.record(event);
    } catch (error) {
      await this.#register.revoke(record.id);
      throw error;
    }
  }

  async #isLastAdmin(record: ApiKeyRecord): Promise<boolean> {
    const admins = (await this.#register.list()).filter((key) => key.roles.includes('admin') && !this.#expired(key));
    return admins.length === 1 && admins[0]?.id === record.id;
  }

  #expired({ expiresAt }: ApiKeyRecord): boolean {
    return expiresAt !== undefined && timestampMs(expiresAt) <= this.#clock.now();
  }

  #refuseUnlessRecorded(): void {
    if (this.#audit.accepting()) return;
    const detail =
      'The audit log is full, so nothing can be changed that would have to be recorded. Make room for it, then try again.';
    throw new Problem(503, { reason: 'audit_unavailable', detail, headers: { 'retry-after': '5' } });
  }
}

function view({ id, name, servers, roles, createdAt, expiresAt }: ApiKeyRecord): ApiKeyView {
  return {
    id,
    name,
    servers,
    roles,
    created_at: (createdAt === undefined ? new Date(0) : timestampDate(createdAt)).toISOString(),
    ...(expiresAt === undefined ? {} : { expires_at: timestampDate(expiresAt).toISOString() }),
  };
}

function keyEvent(
  type: 'auth.key_created' | 'auth.key_revoked',
  request: AdminRequest,
  key: ApiKeyRecord,
  status: number,
): EventFields {
  const detail = { key_id: key.id, key_name: key.name, servers: key.servers.join(' '), roles: key.roles.join(' ') };
  return { type, outcome: 'ok', ...actorFields(request), http_status: status, detail };
}
