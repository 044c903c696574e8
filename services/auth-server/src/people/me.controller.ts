import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { notFound, personFields, RequirePerson, type PersonRequest } from '@switchyard/admin-api';
import type { SessionList } from '@switchyard/contracts';
import type { EventSink } from '../events/event-sink.js';
import { refuseUnlessRecorded } from '../events/refuse-unless-recorded.js';
import { AUDIT, PUBLIC_URL } from '../injection-tokens.js';
import { sessionView } from './session-view.js';
import { Sessions } from './sessions.js';

/** What somebody has signed in to: seen and ended by themselves. */
@Controller('api/v1/me')
@RequirePerson()
export class MeController {
  readonly #sessions: Sessions;
  readonly #audit: EventSink;
  readonly #publicUrl: string;

  constructor(@Inject(Sessions) sessions: Sessions, @Inject(AUDIT) audit: EventSink, @Inject(PUBLIC_URL) publicUrl: string) {
    this.#sessions = sessions;
    this.#audit = audit;
    this.#publicUrl = publicUrl;
  }

  @Get('sessions')
  async list(@Req() { person }: PersonRequest): Promise<SessionList> {
    const sessions = (await this.#sessions.list(person.subject)) ?? [];
    return { sessions: sessions.map((session) => sessionView(session, this.#publicUrl, person.grantId)) };
  }

  @Delete('sessions/:session')
  @HttpCode(204)
  async end(@Req() request: PersonRequest, @Param('session') id: string): Promise<void> {
    refuseUnlessRecorded(this.#audit);
    const ended = await this.#sessions.end(request.person.subject, id);
    if (ended === undefined) throw notFound('You have no session of this id, or it has ended.');
    const detail = { grant: id, client: ended.clientId };
    const event = { type: 'auth.grant_revoked', outcome: 'ok', reason: 'revoked_by_person', http_status: 204 } as const;
    await this.#audit.record({ ...event, ...personFields(request), detail });
  }

  @Post('sign-out-everywhere')
  @HttpCode(204)
  async signOut(@Req() request: PersonRequest): Promise<void> {
    refuseUnlessRecorded(this.#audit);
    await this.#sessions.endAll(request.person.subject);
    const event = { type: 'auth.signed_out', outcome: 'ok', reason: 'signed_out_everywhere', http_status: 204 } as const;
    await this.#audit.record({ ...event, ...personFields(request) });
  }
}
