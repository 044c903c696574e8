import { eventsPage, type EventView } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';

/** An answer of the gateway's HTTP API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly json: Record<string, unknown>;
}

/** Filters of `GET /api/v1/events`. */
export type EventFilters = Readonly<Record<string, string | number>>;

/** The gateway's HTTP API, as the holder of one key sees it. */
export class AdminApi {
  readonly #origin: string;
  readonly #key: string | undefined;

  constructor(origin: string, key?: string) {
    this.#origin = origin;
    this.#key = key;
  }

  async request(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const headers = {
      ...(this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(new URL(path, this.#origin), { method, headers, ...init });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, headers: response.headers, text, json };
  }

  get(path: string): Promise<ApiAnswer> {
    return this.request('GET', path);
  }

  /** Makes an API key. @returns its text and its id */
  async createKey(o: {
    name: string;
    servers?: string[];
    roles?: string[];
  }): Promise<{ readonly key: string; readonly id: string }> {
    const { status, text, json } = await this.request('POST', '/api/v1/keys', o);
    if (status !== 201) throw new Error(`no key was made: ${status} ${text}`);
    return { key: String(json['key']), id: String(json['id']) };
  }

  /** All events that match, newest first, page by page. @param pageSize most events in one page */
  async events(filters: EventFilters, pageSize = 1000): Promise<EventView[]> {
    const found: EventView[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const query = { ...filters, limit: pageSize, ...(cursor === '' ? {} : { cursor }) };
      const { status, text, json } = await this.get(`/api/v1/events?${queryOf(query)}`);
      if (status !== 200) throw new Error(`events were refused: ${status} ${text}`);
      const page = eventsPage.parse(json);
      found.push(...page.events);
      cursor = page.next_cursor;
    }
    return found;
  }

  /** Waits until as many events match. @throws Error where there are more, or fewer in the end */
  async eventsWhen(count: number, filters: EventFilters, timeoutMs = 30_000): Promise<EventView[]> {
    return eventually(
      async () => {
        const found = await this.events(filters);
        if (found.length === count) return found;
        throw new Error(`${found.length} events instead of ${count} match ${JSON.stringify(filters)}`);
      },
      { timeoutMs, everyMs: 200 },
    );
  }
}

const queryOf = (query: EventFilters) =>
  new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]));
