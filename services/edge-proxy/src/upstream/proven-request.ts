import { type Egress, type EgressControl, type EgressRequest, type EgressSink, withField } from '@switchyard/egress';
import type { DpopOrigins } from '@switchyard/oauth';
import { wantsNonce } from './challenge.js';

/** Makes the proof of possession for one request. @param nonce what the server wants to see in it */
export type ProofMaker = (request: Pick<EgressRequest, 'method' | 'url'>, nonce: string | undefined) => Promise<string>;

/**
 * A request with a proof of possession. A server that wants another nonce in it than the proof has (RFC 9449 §9) has not looked at the
 * request: it is sent once more. To its sink both are one.
 */
export class ProvenRequest implements EgressControl {
  readonly #request: EgressRequest;
  readonly #sink: EgressSink;
  readonly #egress: Egress;
  readonly #origins: DpopOrigins;
  readonly #prove: ProofMaker;
  #sent: EgressControl | undefined;
  #over = false;

  constructor(request: EgressRequest, sink: EgressSink, egress: Egress, origins: DpopOrigins, prove: ProofMaker) {
    this.#request = request;
    this.#sink = sink;
    this.#egress = egress;
    this.#origins = origins;
    this.#prove = prove;
  }

  run(): void {
    this.#sink.start(this);
    void this.#attempt('first');
  }

  pause(): void {
    this.#sent?.pause();
  }

  resume(): void {
    this.#sent?.resume();
  }

  abort(reason: Error): void {
    if (this.#sent === undefined) this.#fail(reason);
    else this.#sent.abort(reason);
  }

  async #attempt(which: 'first' | 'last'): Promise<void> {
    const { url, fields } = this.#request;
    const nonce = this.#origins.nonceFor(url);
    try {
      const proof = await this.#prove(this.#request, nonce);
      if (!this.#over) this.#send(withField(fields, 'dpop', proof), nonce, which);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error('no proof could be made', { cause: error }));
    }
  }

  #send(fields: EgressRequest['fields'], nonce: string | undefined, which: 'first' | 'last'): void {
    const { url } = this.#request;
    let again = false;
    this.#egress.send(
      { ...this.#request, fields },
      {
        start: (control) => (this.#sent = control),
        head: (status, headers, control) => {
          this.#origins.heard(url, headers['dpop-nonce']);
          again = which === 'first' && this.#origins.nonceFor(url) !== nonce && wantsNonce(status, headers['www-authenticate']);
          if (!again) return this.#sink.head(status, headers, this);
          this.#sent = undefined;
          control.abort(new Error('a proof with another nonce is wanted'));
          void this.#attempt('last');
        },
        data: (chunk) => (again ? undefined : this.#sink.data(chunk, this)),
        end: () => (again ? undefined : this.#end()),
        fail: (error) => (again ? undefined : this.#fail(error)),
      },
    );
  }

  #end(): void {
    this.#over = true;
    this.#sink.end();
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.fail(error);
  }
}
