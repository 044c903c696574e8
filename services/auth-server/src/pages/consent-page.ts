import { ACCOUNT_SCOPE, KIND_SCOPES, MCP_SCOPE, type RedirectKind } from '@switchyard/oauth';
import { html, type Html, type Page } from '@switchyard/pages';

/** What the consent page shows. */
export interface ConsentPage {
  /** What people call whoever is signed in. */
  readonly person: string;
  readonly clientName: string;
  /** Host that publishes what the client is, where one does. */
  readonly publisher?: string;
  readonly redirect: { readonly kind: RedirectKind | 'device'; readonly target: string };
  /** Absent title: the gateway with everything that the person may use. */
  readonly server: { readonly title?: string; readonly url: string };
  readonly scopes: readonly string[];
  /** What else it may do there that has to be asked for by itself, in words. */
  readonly guarded: readonly string[];
  /** Whether the client stays connected without asking again. */
  readonly staysConnected: boolean;
  readonly action: string;
  readonly csrf: string;
  readonly formTargets: readonly string[];
}

/** Asks whether a client may act for somebody at one server. */
export function consentPage(o: ConsentPage): Page {
  const { title } = o.server;
  return {
    status: 200,
    title: `Allow ${o.clientName}?`,
    formTargets: o.formTargets,
    body: html`<h1>Allow ${o.clientName} to use ${title === undefined ? 'this gateway' : `“${title}”`}?</h1>
      <p class="soft small">Apps choose their own names. Check below who is given access.</p>
      <dl>
        ${publisher(o)}
        <div>
          <dt>Server</dt>
          <dd>${title ?? 'every server that you may use'}<br /><code>${o.server.url}</code></dd>
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
          <dt>Access is given to</dt>
          <dd>${destination(o.redirect)}</dd>
        </div>
        <div>
          <dt>Signed in as</dt>
          <dd>${o.person} · <a href="${o.action}?account=other">not you?</a></dd>
        </div>
      </dl>
      ${warning(o)}
      <form method="post" action="${o.action}">
        <input type="hidden" name="csrf" value="${o.csrf}" />
        <div class="actions">
          <button type="submit" name="do" value="deny" class="plain">Deny</button>
          <button type="submit" name="do" value="approve">Approve</button>
        </div>
      </form>`,
  };
}

/** What scopes allow, in words. */
const WORDS: readonly (readonly [scope: string, words: string])[] = [
  [MCP_SCOPE, 'use what you may use there, in your name'],
  [ACCOUNT_SCOPE, 'see what you have signed in to here, and sign you out'],
  [KIND_SCOPES.tool, 'use the tools that you may use there, in your name'],
  [KIND_SCOPES.prompt, 'use the prompts that you may use there'],
  [KIND_SCOPES.resource, 'read the resources that you may read there'],
];

function permissions({ scopes, guarded, staysConnected, redirect }: ConsentPage): Html[] {
  const sentences = [
    ...WORDS.filter(([scope]) => scopes.includes(scope)).map(([, words]) => words),
    ...guarded,
    scopes.includes('openid') ? 'know the id that you have here' : undefined,
    staysConnected ? 'stay connected for up to 30 days without asking again' : undefined,
    redirect.kind === 'web' ? 'connect again within 30 days without asking again, while you are signed in' : undefined,
  ];
  return sentences.filter((sentence) => sentence !== undefined).map((sentence) => html`<li>${sentence}</li>`);
}

function destination({ kind, target }: ConsentPage['redirect']): Html {
  if (kind === 'loopback') return html`an app on this computer (<code>${target}</code>)`;
  if (kind === 'device') return html`the device that showed you a code`;
  if (kind === 'private-scheme') return html`the app on this device that opens <code>${target}:</code> links`;
  return html`<strong>${target}</strong>`;
}

function publisher({ publisher: host }: ConsentPage): Html | undefined {
  if (host === undefined) return undefined;
  return html`<div>
    <dt>App of</dt>
    <dd><strong>${host}</strong></dd>
  </div>`;
}

function warning({ redirect: { kind }, publisher: host }: ConsentPage): Html | undefined {
  if (kind === 'web') return undefined;
  if (kind === 'device')
    return html`<div class="note"><p>Approve only if the code was on a device of your own, and nobody sent it to you.</p></div>`;
  // MCP 2025-11-25, "Localhost Redirect URI Risks": what listens there need not be what the description is of.
  const pretended = host === undefined ? undefined : html` Any other program on it could say that it is this app of ${host}.`;
  return html`<div class="note">
    <p>Approve only if you have just started this from an app on this device.${pretended}</p>
  </div>`;
}
