import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { actorFields, notFound, RequireRole, zodQuery, type AdminRequest } from '@switchyard/admin-api';
import {
  peopleQuery,
  type EventFields,
  type PeopleList,
  type PeopleQuery,
  type PersonView,
  type SessionList,
} from '@switchyard/contracts';
import type { EventSink } from '../events/event-sink.js';
import { refuseUnlessRecorded } from '../events/refuse-unless-recorded.js';
import { AUDIT, PUBLIC_URL } from '../injection-tokens.js';
import { Accounts } from '../provider/accounts.js';
import { PeopleRegister } from './people-register.js';
import { sessionView } from './session-view.js';
import { Sessions } from './sessions.js';

const unknownPerson = () => notFound('Nobody of this id has signed in.');

/** Who has signed in and what for: seen by administrators and auditors, ended by administrators. */
@Controller('api/v1/people')
@RequireRole('admin')
export class PeopleController {
  readonly #people: PeopleRegister;
  readonly #sessions: Sessions;
  readonly #accounts: Accounts;
  readonly #audit: EventSink;
  readonly #publicUrl: string;

  constructor(
    @Inject(PeopleRegister) people: PeopleRegister,
    @Inject(Sessions) sessions: Sessions,
    @Inject(Accounts) accounts: Accounts,
    @Inject(AUDIT) audit: EventSink,
    @Inject(PUBLIC_URL) publicUrl: string,
  ) {
    this.#people = people;
    this.#sessions = sessions;
    this.#accounts = accounts;
    this.#audit = audit;
    this.#publicUrl = publicUrl;
  }

  @Get()
  @RequireRole('admin', 'auditor')
  async list(@Query(zodQuery(peopleQuery)) { after, limit }: PeopleQuery): Promise<PeopleList> {
    const subjects = (await this.#people.subjects()).filter((subject) => after === undefined || subject > after);
    const page = subjects.slice(0, limit);
    const people = await Promise.all(page.map((subject) => this.#view(subject)));
    const last = page.at(-1);
    return { people, ...(subjects.length > page.length && last !== undefined ? { next: last } : {}) };
  }

  @Get(':id/sessions')
  @RequireRole('admin', 'auditor')
  async sessions(@Param('id') id: string): Promise<SessionList> {
    const sessions = await this.#sessions.list(id);
    if (sessions === undefined) throw unknownPerson();
    return { sessions: sessions.map((session) => sessionView(session, this.#publicUrl)) };
  }

  @Delete(':id/sessions/:session')
  @HttpCode(204)
  async end(@Req() request: AdminRequest, @Param('id') id: string, @Param('session') session: string): Promise<void> {
    refuseUnlessRecorded(this.#audit);
    const ended = await this.#sessions.end(id, session);
    if (ended === undefined) throw notFound('This person has no session of this id, or it has ended.');
    const detail = { person: id, grant: session, client: ended.clientId };
    await this.#record(request, { type: 'auth.grant_revoked', outcome: 'ok', reason: 'revoked_by_admin', detail });
  }

  @Post(':id/sign-out-everywhere')
  @HttpCode(204)
  async signOut(@Req() request: AdminRequest, @Param('id') id: string): Promise<void> {
    refuseUnlessRecorded(this.#audit);
    if (!(await this.#sessions.endAll(id))) throw unknownPerson();
    await this.#record(request, { type: 'auth.signed_out', outcome: 'ok', reason: 'revoked_by_admin', detail: { person: id } });
  }

  /** Out first: nothing new is given to them, then what they have ends. */
  @Post(':id/disable')
  @HttpCode(204)
  async disable(@Req() request: AdminRequest, @Param('id') id: string): Promise<void> {
    await this.#known(id);
    await this.#people.disable(id);
    await this.#sessions.endAll(id);
    await this.#record(request, { type: 'auth.person_disabled', outcome: 'ok', detail: { person: id } });
  }

  @Post(':id/enable')
  @HttpCode(204)
  async enable(@Req() request: AdminRequest, @Param('id') id: string): Promise<void> {
    await this.#known(id);
    await this.#people.enable(id);
    await this.#record(request, { type: 'auth.person_enabled', outcome: 'ok', detail: { person: id } });
  }

  async #known(id: string): Promise<void> {
    refuseUnlessRecorded(this.#audit);
    if ((await this.#people.find(id)) === undefined) throw unknownPerson();
  }

  async #record(request: AdminRequest, event: EventFields): Promise<void> {
    await this.#audit.record({ ...event, ...actorFields(request), http_status: 204 });
  }

  async #view(id: string): Promise<PersonView> {
    const [record, account] = await Promise.all([this.#people.find(id), this.#accounts.find(id)]);
    const { email, origin, name = id } = account ?? {};
    const disabledAtMs = record?.disabledAtMs;
    return {
      ...{ id, name },
      ...(email === undefined ? {} : { email }),
      ...(origin === undefined ? {} : { provider: origin.provider }),
      ...(disabledAtMs === undefined ? {} : { disabled_at: new Date(disabledAtMs).toISOString() }),
    };
  }
}
