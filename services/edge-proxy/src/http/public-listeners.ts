import type { TLSSocket } from 'node:tls';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import type { EdgeProxyConfig } from '../config.js';
import type { ClientCertificates } from './client-certificates.js';
import { type Handlers, PublicListener } from './public-listener.js';
import { requireTlsFiles, type TlsFiles } from './tls-files.js';
import { TlsReload } from './tls-reload.js';

/** What listeners stand on. */
export interface ListenersOptions {
  readonly config: EdgeProxyConfig;
  readonly certificates: ClientCertificates;
  readonly clock: Clock;
  readonly log: Logger;
}

const sameAuthorities = (one: TlsFiles, other: TlsFiles) => (one.ca ?? NONE).equals(other.ca ?? NONE);
const NONE = Buffer.alloc(0);

/** Where clients reach the edge: one listener, and where so configured another one that asks them for certificates. */
export class PublicListeners {
  readonly #o: ListenersOptions;
  readonly #handlers: Handlers;
  #open: readonly PublicListener[] = [];
  #reload: TlsReload | undefined;

  constructor(handlers: Handlers, o: ListenersOptions) {
    this.#handlers = handlers;
    this.#o = o;
  }

  /**
   * Starts to listen.
   * @returns the ports: the public one, and the other one's where there is one
   * @throws ConfigError where the files of TLS cannot be used; the listener's error, for example when the port is taken
   */
  async listen(): Promise<readonly number[]> {
    const { config, certificates, clock, log } = this.#o;
    const { tls, listen, limits } = config;
    if (tls === undefined) return this.#listen([{ listener: new PublicListener(this.#handlers, limits, log), at: listen }]);
    let files = await requireTlsFiles(tls, config, clock.now());
    const own = tls.clientCertificates?.listen;
    const onOpen = (socket: TLSSocket) => certificates.opened(socket);
    const secure = (asksClients: boolean) => new PublicListener(this.#handlers, limits, log, { files, asksClients, onOpen });
    const ports = await this.#listen([
      { listener: secure(tls.clientCertificates !== undefined && own === undefined), at: listen },
      ...(own === undefined ? [] : [{ listener: secure(true), at: own }]),
    ]);
    const onChange = (changed: TlsFiles) => {
      // A renewed certificate of ours says nothing of those of clients.
      if (!sameAuthorities(files, changed)) certificates.authoritiesChanged();
      files = changed;
      for (const listener of this.#open) listener.useTls(changed);
    };
    this.#reload = new TlsReload(tls, config.tlsSource.file, onChange, { clock, log });
    return ports;
  }

  /** Takes no new connections and resolves when the last has ended. */
  async close(): Promise<void> {
    await this.#reload?.close();
    await Promise.all(this.#open.map((listener) => listener.close()));
  }

  async #listen(
    wanted: readonly { readonly listener: PublicListener; readonly at: { readonly host: string; readonly port: number } }[],
  ): Promise<readonly number[]> {
    const ports: number[] = [];
    for (const { listener, at } of wanted) {
      ports.push(await listener.listen(at.host, at.port));
      this.#open = [...this.#open, listener];
    }
    return ports;
  }
}
