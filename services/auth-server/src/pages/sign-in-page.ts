import { html, type Page } from '@switchyard/pages';

/** What the sign-in page shows. */
export interface SignInPage {
  /** Name of the client as it registered itself. */
  readonly clientName: string;
  readonly action: string;
  readonly csrf: string;
  readonly formTargets: readonly string[];
  /** What was typed before, to be corrected. */
  readonly email?: string;
  readonly error?: string;
}

/** Asks for an e-mail address. Development only: it says so. */
export function signInPage(o: SignInPage): Page {
  return {
    status: o.error === undefined ? 200 : 400,
    title: 'Sign in',
    formTargets: o.formTargets,
    body: html`<h1>Sign in</h1>
      <p class="soft">to let <strong>${o.clientName}</strong> use this gateway</p>
      <form method="post" action="${o.action}">
        <input type="hidden" name="csrf" value="${o.csrf}" />
        <label for="email">E-mail address</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          maxlength="254"
          required
          autofocus
          value="${o.email}"
          ${o.error === undefined ? undefined : html` aria-invalid="true" aria-describedby="email-error"`}
        />
        ${o.error === undefined ? undefined : html`<p id="email-error" class="error" role="alert">${o.error}</p>`}
        <div class="note">
          <p>
            <strong>Development sign-in.</strong> Nobody checks that this address is yours: there is no password and no company
            sign-in. It works only while the gateway runs on this computer.
          </p>
        </div>
        <div class="actions">
          <button type="submit" name="do" value="sign-in">Continue</button>
        </div>
      </form>`,
  };
}
