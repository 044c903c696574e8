import { META_KEYS } from '@switchyard/mcp';
import type { UpstreamMessage } from '../upstream/link.js';
import { type Filter, kindsOf, listChanged, UPDATED } from './filter.js';

type Params = Readonly<Record<string, unknown>>;

/** A notification that a list or a resource has changed, as it is told to several clients. */
export class Heard {
  readonly method: string;
  readonly params: Params;
  #bytes: Buffer | undefined;

  constructor(method: string, params: Params) {
    this.method = method;
    this.params = params;
  }

  /** Reads what an upstream says. Whose subscription it is there means nothing to clients. */
  static from({ bytes, envelope }: UpstreamMessage): Heard {
    const { params } = JSON.parse(bytes.toString('utf8')) as { params?: unknown };
    const { _meta: meta, ...others } = isObject(params) ? params : {};
    const { [META_KEYS.subscriptionId]: _theirs, ...kept } = isObject(meta) ? meta : {};
    return new Heard(envelope.method, Object.keys(kept).length > 0 ? { ...others, _meta: kept } : others);
  }

  /** The resource that has changed. */
  get uri(): string | undefined {
    return typeof this.params.uri === 'string' ? this.params.uri : undefined;
  }

  /** As it goes to clients with sessions; made once for all of them. */
  get bytes(): Buffer {
    return (this.#bytes ??= this.#render(this.params));
  }

  /** As it goes on the stream of a subscription. @param id of the subscription, as JSON text */
  under(id: string): Buffer {
    const meta = {
      ...(isObject(this.params._meta) ? this.params._meta : {}),
      [META_KEYS.subscriptionId]: JSON.parse(id) as unknown,
    };
    return this.#render({ ...this.params, _meta: meta });
  }

  #render(params: Params): Buffer {
    const message = { jsonrpc: '2.0', method: this.method, ...(Object.keys(params).length > 0 && { params }) };
    return Buffer.from(JSON.stringify(message));
  }
}

/** Says of everything in the filter that it may have changed: whoever was not listening has then missed nothing. */
export const noticesOf = (filter: Filter): Heard[] => [
  ...kindsOf(filter).map((kind) => new Heard(listChanged(kind), {})),
  ...(filter.resourceSubscriptions ?? []).map((uri) => new Heard(UPDATED, { uri })),
];

const isObject = (value: unknown): value is Params => typeof value === 'object' && value !== null && !Array.isArray(value);
