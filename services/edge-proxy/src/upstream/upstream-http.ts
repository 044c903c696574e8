import type { CredentialMaterial } from '@switchyard/contracts';
import type { Egress, EgressRequest, EgressSink } from '@switchyard/egress';
import { DpopKey, DpopOrigins } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import { ProvenRequest, type ProofMaker } from './proven-request.js';

/** Sends requests to upstreams. With a credential that is bound to a key, each shows a proof of its own (RFC 9449 §7.1). */
export class UpstreamHttp {
  readonly #egress: Egress;
  readonly #clock: Clock;
  readonly #origins = new DpopOrigins();
  /** A credential stays the same object as long as it is leased. */
  readonly #makers = new WeakMap<CredentialMaterial, ProofMaker>();

  constructor(egress: Egress, clock: Clock) {
    this.#egress = egress;
    this.#clock = clock;
  }

  /** As `Egress.send`. @param credential whose header fields are in the request */
  send(request: EgressRequest, credential: CredentialMaterial, sink: EgressSink): boolean {
    if (credential.dpopKey === '') return this.#egress.send(request, sink);
    new ProvenRequest(request, sink, this.#egress, this.#origins, this.#makerOf(credential)).run();
    return false;
  }

  #makerOf(credential: CredentialMaterial): ProofMaker {
    const known = this.#makers.get(credential);
    if (known !== undefined) return known;
    const key = DpopKey.from(credential.dpopKey);
    // What goes wrong with it is told to whoever asks for a proof.
    key.catch(() => undefined);
    const [, token = ''] = (credential.headers['Authorization'] ?? '').split(' ');
    const maker: ProofMaker = async ({ method, url }, nonce) =>
      (await key).prove({ method, url, token, nonce }, this.#clock.now());
    this.#makers.set(credential, maker);
    return maker;
  }
}
