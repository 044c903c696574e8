import { html, type Html, type Page } from '@switchyard/pages';

/** What the page shows that leads to the company's sign-in. */
export interface CompanyPage {
  /** Name of the client as it registered itself. */
  readonly clientName: string;
  /** Who is given the answer: a host, or an app on this device. */
  readonly destination: string;
  readonly providers: readonly { readonly name: string; readonly title: string }[];
  /** Whether somebody is to sign in although they are known. */
  readonly anew: boolean;
  readonly action: string;
  readonly csrf: string;
  readonly formTargets: readonly string[];
}

/** Leads to the company's sign-in. Nobody is sent there unasked: links of others would end in an approval that nobody saw. */
export function companyPage(o: CompanyPage): Page {
  return {
    status: 200,
    title: 'Sign in',
    // The provider may lead on to others that cannot be known here, and browsers follow the policy through all of them.
    formTargets: ['https:', ...o.formTargets],
    body: html`<h1>Sign in</h1>
      <p class="soft">
        to let <strong>${o.clientName}</strong> (${o.destination}) use this gateway. You will be asked before it may.
      </p>
      <form method="post" action="${o.action}">
        <input type="hidden" name="csrf" value="${o.csrf}" />
        <input type="hidden" name="do" value="company" />
        ${o.anew ? html`<input type="hidden" name="anew" value="yes" />` : undefined}
        <div class="actions stacked">${o.providers.map(button)}</div>
      </form>
      <p class="small soft">Your password stays there: this gateway is told only who you are.</p>`,
  };
}

function button({ name, title }: CompanyPage['providers'][number], index: number): Html {
  return html`<button type="submit" name="provider" value="${name}" ${index === 0 ? undefined : html`class="plain"`}>
    Continue with ${title}
  </button>`;
}
