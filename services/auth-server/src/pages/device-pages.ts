import { html, type Page } from '@switchyard/pages';

/** A form of the device pages. */
interface DeviceForm {
  readonly action: string;
  /** Proves that it is ours; of the browser's session. */
  readonly xsrf: string;
}

/** Where a device asked from, as far as this gateway could see. */
export interface DeviceOrigin {
  readonly address: string;
  /** What it calls itself. */
  readonly program: string;
}

/** Asks for the code that a device shows. */
export function deviceEntryPage(o: DeviceForm & { readonly userCode?: string; readonly wrong?: boolean }): Page {
  const isWrong = o.wrong === true;
  return {
    status: isWrong ? 400 : 200,
    title: 'Connect a device',
    body: html`<h1>Connect a device</h1>
      <p class="soft">Type the code that your device or agent shows you.</p>
      <form method="post" action="${o.action}">
        <input type="hidden" name="xsrf" value="${o.xsrf}" />
        <label for="user_code">Code</label>
        <input
          id="user_code"
          name="user_code"
          type="text"
          class="code"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          maxlength="32"
          placeholder="XXXX-XXXX"
          required
          autofocus
          value="${o.userCode}"
          ${isWrong ? html` aria-invalid="true" aria-describedby="code-error"` : undefined}
        />
        ${
          isWrong
            ? html`<p id="code-error" class="error" role="alert">
                No device waits with this code. It may have expired or been used: have the device show you a new one.
              </p>`
            : undefined
        }
        ${PHISHING}
        <div class="actions"><button type="submit">Continue</button></div>
      </form>`,
  };
}

/** Shows which client asked, and from where, before anybody signs in for it (RFC 8628 §5.4). */
export function deviceConfirmPage(
  o: DeviceForm & {
    readonly clientName: string;
    /** Absent: the gateway with everything that the person may use. */
    readonly server?: string;
    readonly userCode: string;
    readonly origin: DeviceOrigin;
  },
): Page {
  return {
    status: 200,
    title: `Connect ${o.clientName}?`,
    body: html`<h1>Connect ${o.clientName}?</h1>
      <p class="soft small">
        Apps choose their own names. Check that the code is the one that your device shows, and where it asked from.
      </p>
      <dl>
        <div>
          <dt>Code</dt>
          <dd><code class="code">${o.userCode}</code></dd>
        </div>
        <div>
          <dt>Server</dt>
          <dd>${o.server ?? 'every server that you may use'}</dd>
        </div>
        <div>
          <dt>Asked for from</dt>
          <dd>
            <strong>${o.origin.address}</strong>
            ${o.origin.program === '' ? undefined : html`<br /><span class="soft small">which calls itself ${o.origin.program}</span>`}
          </dd>
        </div>
      </dl>
      ${PHISHING}
      <form method="post" action="${o.action}">
        <input type="hidden" name="xsrf" value="${o.xsrf}" />
        <input type="hidden" name="user_code" value="${o.userCode}" />
        <div class="actions">
          <button type="submit" name="abort" value="yes" class="plain">This is not mine</button>
          <button type="submit" name="confirm" value="yes">It is mine</button>
        </div>
      </form>`,
  };
}

const PHISHING = html`<div class="note">
  <p>
    <strong>Did somebody send you this code?</strong> Then stop: it would give them your access. Go on only with a code that you
    see on a device or in a terminal of your own, and that you have just asked for.
  </p>
</div>`;

const ANSWERS = {
  approved: [200, 'Device connected', 'Go back to your device: it goes on by itself. You can close this window.'],
  denied: [200, 'Device not connected', 'Nothing was given to it. You can close this window.'],
  locked: [429, 'Too many wrong codes', 'Codes are not looked at for ten minutes. Then have your device show you a new one.'],
  failed: [
    400,
    'Device not connected',
    'The request was answered already, or could not be. Have your device show you a new code.',
  ],
} as const satisfies Record<string, readonly [status: number, title: string, text: string]>;

/** What came of it. */
export function deviceAnswerPage(answer: keyof typeof ANSWERS): Page {
  const [status, title, text] = ANSWERS[answer];
  return {
    status,
    title,
    body: html`<h1>${title}</h1>
      <p>${text}</p>`,
  };
}
