import { Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { actorFields, Problem, RequireRole, type AdminRequest } from '@switchyard/admin-api';
import type { SigningKeyList } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { EventSink } from '../events/event-sink.js';
import { AUDIT, CLOCK } from '../injection-tokens.js';
import { keyStateAt } from './key-ring.js';
import { SigningKeys } from './signing-keys.js';

/** The keys that sign tokens: shown, and rotated, by administrators. */
@Controller('api/v1/keys/signing')
@RequireRole('admin')
export class SigningKeysController {
  readonly #keys: SigningKeys;
  readonly #audit: EventSink;
  readonly #clock: Clock;

  constructor(@Inject(SigningKeys) keys: SigningKeys, @Inject(AUDIT) audit: EventSink, @Inject(CLOCK) clock: Clock) {
    this.#keys = keys;
    this.#audit = audit;
    this.#clock = clock;
  }

  @Get()
  async list(): Promise<SigningKeyList> {
    const ring = await this.#keys.stored();
    const keys = ring.map(({ jwk, createdAtMs, signsFromMs }, index) => ({
      id: jwk.kid,
      state: keyStateAt(ring, index, this.#clock.now()),
      created_at: new Date(createdAtMs).toISOString(),
      signs_from: new Date(signsFromMs).toISOString(),
    }));
    return { keys: keys.flatMap(({ state, ...key }) => (state === 'gone' ? [] : [{ ...key, state }])) };
  }

  /** A rotation that is under way is not begun again. */
  @Post()
  @HttpCode(202)
  async rotate(@Req() request: AdminRequest): Promise<SigningKeyList> {
    if (!this.#audit.accepting()) {
      const detail =
        'The audit log is full, so nothing can be changed that would have to be recorded. Make room for it, then try again.';
      throw new Problem(503, { reason: 'audit_unavailable', detail, headers: { 'retry-after': '5' } });
    }
    const changed = await this.#keys.rotateNow();
    const event = { type: 'auth.signing_key_rotated', outcome: 'ok', reason: 'command' } as const;
    if (changed) await this.#audit.record({ ...event, ...actorFields(request), http_status: 202 });
    return this.list();
  }
}
