import { MCP_SCOPE } from '@switchyard/oauth';
import type { RedirectKind } from '../provider/redirect-uri-policy.js';
import { html, type Html } from './html.js';
import type { Page } from './page.js';

/** What the consent page shows. */
export interface ConsentPage {
  readonly email: string;
  readonly clientName: string;
  readonly redirect: { readonly kind: RedirectKind; readonly target: string };
  /** Title of the server, and its URL. */
  readonly server: { readonly title: string; readonly url: string };
  readonly scopes: readonly string[];
  /** Whether the client stays connected without asking again. */
  readonly staysConnected: boolean;
  readonly action: string;
  readonly csrf: string;
  readonly formTargets: readonly string[];
}

/** Asks whether a client may act for somebody at one server. */
export function consentPage(o: ConsentPage): Page {
  return {
    status: 200,
    title: `Allow ${o.clientName}?`,
    formTargets: o.formTargets,
    body: html`<h1>Allow <strong>${o.clientName}</strong> to use ${o.server.title}?</h1>
      <p class="soft small">The name is what the app calls itself. Look at where the answer goes.</p>
      <dl>
        <div>
          <dt>Server</dt>
          <dd>${o.server.title}<br /><code>${o.server.url}</code></dd>
        </div>
        <div>
          <dt>It may</dt>
          <dd>
            <ul>
              ${permissions(o)}
            </ul>
          </dd>
        </div>
        <div>
          <dt>The answer goes to</dt>
          <dd>${destination(o.redirect)}</dd>
        </div>
        <div>
          <dt>Signed in as</dt>
          <dd>${o.email} · <a href="${o.action}?account=other">not you?</a></dd>
        </div>
      </dl>
      ${warning(o.redirect)}
      <form method="post" action="${o.action}">
        <input type="hidden" name="csrf" value="${o.csrf}" />
        <div class="actions">
          <button type="submit" name="do" value="deny" class="plain">Deny</button>
          <button type="submit" name="do" value="approve">Approve</button>
        </div>
      </form>`,
  };
}

function permissions({ scopes, staysConnected }: ConsentPage): Html[] {
  const sentences = [
    scopes.includes(MCP_SCOPE) ? 'use what this server offers you, in your name' : undefined,
    scopes.includes('openid') ? 'know the id that you have here' : undefined,
    staysConnected ? 'stay connected for up to 30 days without asking again' : undefined,
  ];
  return sentences.filter((sentence) => sentence !== undefined).map((sentence) => html`<li>${sentence}</li>`);
}

function destination({ kind, target }: ConsentPage['redirect']): Html {
  if (kind === 'loopback') return html`an app on this computer (<code>${target}</code>)`;
  if (kind === 'private-scheme') return html`the app on this device that opens <code>${target}:</code> links`;
  return html`<strong>${target}</strong>`;
}

function warning({ kind }: ConsentPage['redirect']): Html | undefined {
  if (kind === 'web') return undefined;
  return html`<div class="note"><p>Approve only if you have just started this from an app on this device.</p></div>`;
}
