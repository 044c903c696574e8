import { html, type Html, type Page } from '@switchyard/pages';
import type { ConnectionView } from '../connections/connections.js';
import type { KeySettings } from '../user-key/key-settings.js';
import { accountRow, connectionRow, headingOf, needsAttention, type PageFrame } from './connect-pages.js';

/** What the page of an upstream shows that people have keys for. */
export interface KeyPage extends PageFrame {
  readonly upstream: string;
  readonly settings: KeySettings;
  readonly connections: readonly ConnectionView[];
  /** Label of the connection that was made just now. */
  readonly justConnected?: string | undefined;
  /** Label of the connection whose key is to be replaced. */
  readonly replace?: string | undefined;
  /** What was wrong with a key that was entered, and for which connection. */
  readonly problem?: { readonly label: string; readonly text: string };
}

/** Asks somebody for their key, and shows what they have connected. What was entered is never shown. */
export function keyPage(o: KeyPage): Page {
  const { upstream, connections, settings, problem } = o;
  const done = o.justConnected !== undefined && connections.some(({ label }) => label === o.justConnected);
  const heading = headingOf(upstream, connections, done);
  return {
    status: problem === undefined ? 200 : 400,
    title: heading,
    body: html`<h1>${heading}</h1>
      ${
        done
          ? html`<p>You can close this window and go back to the app: it goes on by itself.</p>`
          : html`<p class="soft">so that this gateway can use it for you, with your own account there.</p>`
      }
      <dl>
        <div>
          <dt>Server</dt>
          <dd><strong>${upstream}</strong><br /><code>${new URL(settings.url).host}</code></dd>
        </div>
        ${connections.map((view) => connectionRow(o, upstream, view, { several: connections.length > 1, replaceable: true }))}
        ${accountRow(o.person, upstream)}
      </dl>
      ${done ? undefined : forms(o)}
      <p class="small soft"><a href="/connect">All your connections</a></p>`,
  };
}

function forms(o: KeyPage): Html {
  const { connections, replace, problem, settings, upstream } = o;
  const known = (label: string | undefined) => connections.some((view) => view.label === label);
  const again = connections.filter(needsAttention).map(({ label }) => label);
  const targets = connections.length === 0 ? ['default'] : again;
  const wanted = replace !== undefined && known(replace) ? [...new Set([replace, ...targets])] : targets;
  const several = connections.length > 1;
  const another = connections.length > 0 && wanted.length === 0;
  const misread = problem === undefined || wanted.includes(problem.label) ? undefined : problem;
  return html`${wanted.map((label, at) => formFor(o, label, at, several))}
    ${
      another || misread !== undefined
        ? html`<form method="post" action="/connect/${upstream}">
            <input type="hidden" name="csrf" value="${o.csrf}" />
            <label for="label">Connect another account</label>
            <input
              type="text"
              id="label"
              name="label"
              maxlength="40"
              value="${misread?.label ?? ''}"
              placeholder="What you call it, for example work"
              required
            />
            ${keyField(settings, 'key-another', misread?.text)}
            <div class="actions"><button type="submit" name="do" value="connect" class="plain">Connect</button></div>
          </form>`
        : undefined
    }
    <p class="small soft">
      It is kept encrypted, shown to nobody again, and sent to <code>${new URL(settings.url).host}</code> alone. You can
      disconnect at any time.
    </p>`;
}

function formFor(o: KeyPage, label: string, at: number, several: boolean): Html {
  const standing = o.connections.some((view) => view.label === label && !needsAttention(view));
  const text = standing ? `Replace the key${several ? ` of “${label}”` : ''}` : `Connect ${several ? `“${label}”` : o.upstream}`;
  return html`<form method="post" action="/connect/${o.upstream}">
    <input type="hidden" name="csrf" value="${o.csrf}" />
    <input type="hidden" name="label" value="${label}" />
    ${keyField(o.settings, `key-${at}`, o.problem?.label === label ? o.problem.text : undefined)}
    <div class="actions">
      <button type="submit" name="do" value="connect">${text}</button>
    </div>
  </form>`;
}

const keyField = ({ label, helpUrl }: KeySettings, id: string, problem: string | undefined): Html =>
  html`<label for="${id}">${label}</label>
    <input
      type="password"
      id="${id}"
      name="key"
      maxlength="4096"
      autocomplete="off"
      autocapitalize="none"
      spellcheck="false"
      required
      ${problem === undefined ? undefined : html`aria-invalid="true" aria-describedby="${id}-problem"`}
    />
    ${problem === undefined ? undefined : html`<p class="error" id="${id}-problem" role="alert">${problem}</p>`}
    ${
      helpUrl === undefined
        ? undefined
        : html`<p class="small hint">
            <a href="${helpUrl}" target="_blank" rel="noopener noreferrer">Where to find it</a>
            <span class="soft">at ${new URL(helpUrl).host}</span>
          </p>`
    }`;
