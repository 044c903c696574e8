import type { ConnectionView } from '../connections/connections.js';
import { html, type Html, type Page } from '@switchyard/pages';

/** What every page of these shows or carries. */
export interface PageFrame {
  /** What people call whoever is signed in. */
  readonly person: string;
  readonly csrf: string;
}

/** Who is signed in. @param upstream whose page leads back here after signing in as somebody else */
export const accountRow = (person: string, upstream?: string): Html =>
  html`<div>
    <dt>Your account at this gateway</dt>
    <dd>
      ${person} ·
      <a href="/connect/sign-in${upstream === undefined ? undefined : html`?upstream=${upstream}`}">not you?</a>
    </dd>
  </div>`;

const STATES: Readonly<Record<ConnectionView['state'], string>> = {
  connected: 'connected',
  reauth_required: 'has ended: connect it again',
  damaged: 'cannot be read: connect it again',
};

const button = (frame: PageFrame, upstream: string, label: string, o: { what: string; text: string; plain?: boolean }): Html =>
  html`<form method="post" action="/connect/${upstream}" class="inline">
    <input type="hidden" name="csrf" value="${frame.csrf}" /><input type="hidden" name="label" value="${label}" />
    <button type="submit" name="do" value="${o.what}" ${o.plain === true ? html`class="plain"` : undefined}>${o.text}</button>
  </form>`;

/** One connection, with what can be done about it. @param o.several whether its owner has others besides @param o.replaceable by another key */
export function connectionRow(
  frame: PageFrame,
  upstream: string,
  view: ConnectionView,
  { several, replaceable = false }: { readonly several: boolean; readonly replaceable?: boolean },
): Html {
  const { label, state, at, account: whose, isDefault } = view;
  const name = several || label !== 'default' ? html`<strong>${label}</strong> · ` : undefined;
  const used = several && isDefault ? ' · used for calls' : '';
  return html`<div>
    <dt>Connection${at === '' ? '' : ` at ${at}`}</dt>
    <dd>
      ${name}${STATES[state]}${used}${whose === undefined ? '' : html`<br /><span class="small soft">${whose}</span>`}
      <div class="actions">
        ${several && !isDefault ? button(frame, upstream, label, { what: 'choose', text: 'Use this one', plain: true }) : undefined}
        ${button(frame, upstream, label, { what: 'disconnect', text: 'Disconnect', plain: true })}
        ${
          replaceable && state === 'connected'
            ? html`<a class="small" href="/connect/${upstream}?${new URLSearchParams({ replace: label }).toString()}"
                >Replace the key</a
              >`
            : undefined
        }
      </div>
    </dd>
  </div>`;
}

/** What the page of one upstream shows. */
export interface UpstreamPage extends PageFrame {
  readonly upstream: string;
  /** Host of the upstream, and of its authorization server with where that may lead. */
  readonly host: string;
  readonly at: string;
  readonly formTargets: readonly string[];
  readonly scopes: readonly string[];
  readonly connections: readonly ConnectionView[];
  /** Label of the connection that was made just now. */
  readonly justConnected?: string;
}

/** Whether its owner has to do something before it can be used. */
export const needsAttention = ({ state, wanted, scopes }: ConnectionView) =>
  state !== 'connected' || wanted.some((scope) => !scopes.includes(scope));

/** What the page of an upstream is called. @param done whether a connection was made just now */
export function headingOf(upstream: string, connections: readonly ConnectionView[], done: boolean): string {
  if (done) return `${upstream} is connected`;
  return connections.every(needsAttention) ? `Connect ${upstream}` : `Your connection to ${upstream}`;
}

/** Asks whether somebody wants to connect an upstream, and shows what they have connected. */
export function upstreamPage(o: UpstreamPage): Page {
  const { upstream, connections } = o;
  const standing = connections.filter((view) => !needsAttention(view));
  const done = o.justConnected !== undefined && connections.some(({ label }) => label === o.justConnected);
  const heading = headingOf(upstream, connections, done);
  return {
    status: 200,
    title: heading,
    // The authorization server may lead on to others that cannot be known here, and browsers follow the policy through all of them.
    formTargets: ['https:', ...o.formTargets],
    body: html`<h1>${heading}</h1>
      ${
        done
          ? html`<p>You can close this window and go back to the app: it goes on by itself.</p>`
          : html`<p class="soft">so that this gateway can use it for you, with your own account there.</p>`
      }
      <dl>
        <div>
          <dt>Server</dt>
          <dd><strong>${upstream}</strong><br /><code>${o.host}</code></dd>
        </div>
        ${connections.map((view) => connectionRow(o, upstream, view, { several: connections.length > 1 }))}
        ${standing.length > 0 && done ? undefined : asked(o)} ${accountRow(o.person, upstream)}
      </dl>
      ${done ? undefined : connectForms(o, standing.length > 0)}
      <p class="small soft"><a href="/connect">All your connections</a></p>`,
  };
}

const asked = ({ at, scopes }: UpstreamPage): Html =>
  html`<div>
      <dt>You will be asked by</dt>
      <dd><strong>${at}</strong></dd>
    </div>
    <div>
      <dt>The gateway asks for</dt>
      <dd>
        ${
          scopes.length === 0
            ? 'no permissions by name: the server decides'
            : html`<ul>
                ${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}
              </ul>`
        }
      </dd>
    </div>`;

function connectForms(o: UpstreamPage, another: boolean): Html {
  const again = o.connections.filter(needsAttention);
  const targets = o.connections.length === 0 ? ['default'] : again.map(({ label }) => label);
  const text = (label: string) => (targets.length > 1 ? `Connect “${label}” at ${o.at}` : `Continue to ${o.at}`);
  return html`${targets.map(
      (label) =>
        html`<form method="post" action="/connect/${o.upstream}">
          <input type="hidden" name="csrf" value="${o.csrf}" />
          <input type="hidden" name="label" value="${label}" />
          <div class="actions"><button type="submit" name="do" value="connect">${text(label)}</button></div>
        </form>`,
    )}
    ${
      another
        ? html`<form method="post" action="/connect/${o.upstream}">
            <input type="hidden" name="csrf" value="${o.csrf}" />
            <label for="label">Connect another account</label>
            <input type="text" id="label" name="label" maxlength="40" placeholder="What you call it, for example work" required />
            <div class="actions"><button type="submit" name="do" value="connect" class="plain">Continue to ${o.at}</button></div>
          </form>`
        : undefined
    }
    <p class="small soft">Your password stays there. You can disconnect at any time.</p>`;
}

/** What the page of all upstreams shows. */
export interface ListPage extends PageFrame {
  readonly upstreams: readonly { readonly name: string; readonly connections: readonly ConnectionView[] }[];
}

/** Everything that somebody can connect, and has connected. */
export function listPage(o: ListPage): Page {
  const row = ({ name, connections }: ListPage['upstreams'][number]) =>
    html`<div>
        <dt>Server</dt>
        <dd>
          <strong>${name}</strong> ·
          <a href="/connect/${name}">${connections.length === 0 ? 'connect' : 'open'}</a>
        </dd>
      </div>
      ${connections.map((view) => connectionRow(o, name, view, { several: connections.length > 1 }))}`;
  return {
    status: 200,
    title: 'Your connections',
    body: html`<h1>Your connections</h1>
      <p class="soft">Servers that this gateway uses with your own account there.</p>
      <dl>
        ${o.upstreams.length === 0 ? html`<div><dd>No server here needs an account of yours.</dd></div>` : o.upstreams.map(row)}
        ${accountRow(o.person)}
      </dl>`,
  };
}

/** Why something was not done. */
export function problemPage(o: {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** Stable key, for whoever supports it. */
  readonly reason: string;
  readonly again?: string;
}): Page {
  return {
    status: o.status,
    title: o.title,
    body: html`<h1>${o.title}</h1>
      <p>${o.text}</p>
      <dl>
        <div>
          <dt>For whoever supports it</dt>
          <dd><code>${o.reason}</code></dd>
        </div>
      </dl>
      ${o.again === undefined ? undefined : html`<p><a href="${o.again}">Try again</a></p>`}`,
  };
}
