import { AssertionService, type Principal } from '@switchyard/contracts';
import { RpcFault, RpcUnavailable, type Rpc } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';
import type { Logger } from '@switchyard/telemetry';
import { OAuthProblem, type OAuthProblemReason } from '../upstream-oauth/oauth-problem.js';

/** Who is to be asserted, to whom. */
export interface AssertionWanted {
  readonly principal: Principal;
  /** Issuer of the upstream's authorization server. */
  readonly audience: string;
  readonly resource: string;
  readonly scope: string;
  readonly upstream: string;
  readonly requestId: string;
  readonly traceId: string;
  /** What calls for the person. */
  readonly clientId: string;
}

/** An identity provider may have to be asked twice. */
const ANSWERED_WITHIN_MS = 8_000;

/** What refusals of the authorization server mean here; all others are nothing that the person could mend. */
const REASONS: ReadonlyMap<string, OAuthProblemReason> = new Map([
  ['sign_in_again', 'sign_in_ended'],
  ['not_signed_in_there', 'sign_in_ended'],
  ['person_disabled', 'sign_in_ended'],
  ['provider_unavailable', 'assertion_unavailable'],
]);

interface AssertionsOptions {
  readonly rpc: Rpc;
  /** Made at the start and never written down: what is sealed to it nobody else reads. */
  readonly sealingKey: SealingKey;
  readonly log: Logger;
}

/** ID-JAGs of the company's identity provider, for which the authorization server asks: what the provider gave is there, and stays there. */
export class Assertions {
  readonly #o: AssertionsOptions;

  constructor(options: AssertionsOptions) {
    this.#o = options;
  }

  /** The ID-JAG, or why there is none. Good for one use, soon. */
  async obtain({ principal, ...wanted }: AssertionWanted): Promise<string | OAuthProblem> {
    const { rpc, sealingKey, log } = this.#o;
    const { tenant, issuer: principalIssuer, subject: principalSubject } = principal;
    const request = { ...wanted, tenant, principalIssuer, principalSubject, recipientJwk: sealingKey.publicJwk };
    try {
      const { result } = await rpc.call(AssertionService.method.obtainIdJag, request, { timeoutMs: ANSWERED_WITHIN_MS });
      if (result.case === 'refusal') return refused(result.value);
      if (result.case === undefined) throw new RpcFault('the authorization server answered without an assertion');
      return Buffer.from(await openSealed(sealingKey.privateKey, result.value.sealed)).toString('utf8');
    } catch (error) {
      if (!(error instanceof RpcUnavailable || error instanceof RpcFault)) throw error;
      log.warn('the authorization server asserted nobody', { upstream: wanted.upstream, request_id: wanted.requestId, error });
      return new OAuthProblem(
        'assertion_unavailable',
        `There is no token of yours for ${wanted.upstream}: this gateway’s authorization server does not answer. Try again shortly.`,
      );
    }
  }
}

const refused = ({ reason, message }: { readonly reason: string; readonly message: string }) =>
  new OAuthProblem(REASONS.get(reason) ?? 'assertion_refused', message, reason);
