import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  AssertionService,
  ObtainIdJagRequestSchema,
  ObtainIdJagResponseSchema,
  rpcSubject,
  type EventFields,
  type ObtainIdJagRequest,
} from '@switchyard/contracts';
import { encodeMessage, messagePipe } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import type { EventSink } from '../events/event-sink.js';
import type { Federation } from '../federation/federation.js';
import { idJagProblem } from '../federation/id-jag-refusals.js';
import type { IdJagRefused } from '../federation/id-jags.js';
import type { PeopleRegister } from '../people/people-register.js';
import type { Accounts, SignedInAccount } from '../provider/accounts.js';
import { ASSERTING } from '../injection-tokens.js';

/** What people are asserted to upstreams with. */
export interface Asserting {
  readonly tenant: string;
  readonly publicUrl: string;
  readonly accounts: Accounts;
  readonly people: Pick<PeopleRegister, 'isDisabled'>;
  /** Absent: development sign-in, where nobody vouches for anybody. */
  readonly federation?: Federation;
  readonly audit: EventSink;
}

const refuse = (refused: IdJagRefused['refused'], code: string): IdJagRefused => ({ refused, code });

/** Has the company's identity provider say to an upstream's authorization server who a person is. NATS lets nobody but the vault ask. */
@Controller()
export class ObtainIdJagHandler {
  readonly #o: Asserting;

  constructor(@Inject(ASSERTING) asserting: Asserting) {
    this.#o = asserting;
  }

  @MessagePattern(rpcSubject(AssertionService.method.obtainIdJag))
  async handle(@Payload(messagePipe(ObtainIdJagRequestSchema)) request: ObtainIdJagRequest): Promise<unknown> {
    const { accounts, audit } = this.#o;
    if (!audit.accepting()) return this.#refusal(request, undefined, refuse('audit_unavailable', ''));
    const account = await accounts.find(request.principalSubject);
    const outcome = await this.#obtain(request, account);
    const isRefused = 'refused' in outcome;
    const event = this.#eventOf(request, account);
    if (isRefused && outcome.isGone === true) await audit.record({ ...signedOut(event) });
    const { detail } = event;
    await audit.record(
      isRefused
        ? { ...event, outcome: 'denied', reason: outcome.refused, detail: { ...detail, code: outcome.code } }
        : { ...event, outcome: 'ok' },
    );
    if (isRefused) return this.#refusal(request, account, outcome);
    const sealed = await sealTo(request.recipientJwk, Buffer.from(outcome.idJag, 'utf8'));
    return encodeMessage(ObtainIdJagResponseSchema, { result: { case: 'idJag', value: { sealed } } });
  }

  async #obtain(
    { tenant, principalIssuer, audience, resource, scope }: ObtainIdJagRequest,
    account: SignedInAccount | undefined,
  ) {
    const { publicUrl, people, federation } = this.#o;
    const isOurs = tenant === this.#o.tenant && principalIssuer === publicUrl;
    if (!isOurs || account === undefined || federation === undefined) return refuse('not_signed_in_there', 'no_provider');
    if (await people.isDisabled(account.subject)) return refuse('person_disabled', '');
    return federation.idJagOf(account, { audience, resource, scope });
  }

  #refusal(
    { upstream }: ObtainIdJagRequest,
    account: SignedInAccount | undefined,
    { refused: reason, code }: IdJagRefused,
  ): unknown {
    const { federation } = this.#o;
    const company = federation?.providers.find(({ name }) => name === account?.origin?.provider)?.title ?? 'your company';
    const message = idJagProblem(reason, { upstream, company, code });
    return encodeMessage(ObtainIdJagResponseSchema, { result: { case: 'refusal', value: { reason, message } } });
  }

  #eventOf(request: ObtainIdJagRequest, account: SignedInAccount | undefined): Omit<EventFields, 'outcome'> & Detailed {
    const { requestId, traceId, clientId, principalIssuer, principalSubject, upstream, audience, resource } = request;
    return {
      type: 'auth.identity_asserted',
      request_id: requestId,
      trace_id: traceId,
      client_id: clientId,
      principal_issuer: principalIssuer,
      principal_subject: principalSubject,
      principal_kind: 'user',
      ...(account === undefined ? {} : { principal_name: account.name }),
      upstream,
      detail: { provider: account?.origin?.provider ?? '', audience, resource },
    };
  }
}

interface Detailed {
  readonly detail: Readonly<Record<string, string>>;
}

/** The provider has refused to go on with somebody, which ends what they have here. */
function signedOut({ upstream: _upstream, detail, ...event }: Omit<EventFields, 'outcome'> & Detailed): EventFields {
  const { provider = '' } = detail;
  return { ...event, type: 'auth.signed_out', outcome: 'ok', reason: 'provider_refused', detail: { provider } };
}
