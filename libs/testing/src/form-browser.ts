/** A page that a browser shows. */
export interface ShownPage {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

/** As much of a browser as sign-in pages need: cookies by path, redirects within one origin, forms. Runs no scripts. */
export class FormBrowser {
  readonly #origin: string;
  readonly #cookies = new Map<string, { readonly path: string; readonly value: string }>();

  /** @param origin the one origin that it visits */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /**
   * Opens an address and follows where it leads.
   * @returns the page, or the address outside of the origin that it was sent to
   */
  async open(url: string | URL, init: RequestInit = {}): Promise<ShownPage | URL> {
    let target = new URL(url, this.#origin);
    let request = init;
    for (let hop = 0; hop < 10; hop += 1) {
      if (target.origin !== this.#origin) return target;
      const response = await this.#send(target, request);
      const location = response.headers.get('location');
      if (location === null) return { url: target.href, status: response.status, text: await response.text() };
      target = new URL(location, target);
      request = {};
    }
    throw new Error(`redirected without end, last to ${target.href}`);
  }

  /** Fills in the form of a page and presses the button that sends these fields along. */
  async submit(page: ShownPage, fields: Readonly<Record<string, string>>): Promise<ShownPage | URL> {
    const action = /<form [^>]*action="([^"]*)"/.exec(page.text)?.[1];
    if (action === undefined) throw new Error(`no form on ${page.url} (${page.status}): ${page.text}`);
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']): [string, string] => [name, value],
    );
    const body = new URLSearchParams({ ...Object.fromEntries(hidden), ...fields });
    return this.open(new URL(action, page.url), { method: 'POST', body, headers: { origin: this.#origin } });
  }

  async #send(target: URL, init: RequestInit): Promise<Response> {
    const cookies = [...this.#cookies].filter(([, { path }]) => target.pathname.startsWith(path));
    const cookie = cookies.map(([name, { value }]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html,*/*;q=0.8', ...(cookie === '' ? {} : { cookie }), ...init.headers };
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice('path='.length) ?? '/';
    if (value === '') this.#cookies.delete(name);
    else this.#cookies.set(name, { path, value });
  }
}
