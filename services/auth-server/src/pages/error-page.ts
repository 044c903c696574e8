import type { KoaContextWithOIDC } from 'oidc-provider';
import { html } from '@switchyard/pages';
import { sendPage } from './page.js';

/** A refusal that is shown where it happens, because there is no client to send it to. */
export interface ProblemForPeople {
  readonly status: number;
  /** OAuth error code. */
  readonly error: string;
  readonly title: string;
  /** What happened and what to do, in sentences. */
  readonly text: string;
  /** What the developer of the client needs to know. */
  readonly technical?: string;
}

/** Answers with a page, or with an OAuth error (RFC 6749 §5.2) where the request prefers JSON. */
export function renderProblem(ctx: KoaContextWithOIDC, problem: ProblemForPeople): void {
  ctx.status = problem.status;
  if (ctx.accepts('json', 'html') !== 'html') {
    ctx.body = { error: problem.error, error_description: problem.technical ?? problem.text };
    return;
  }
  sendPage(ctx, { status: problem.status, title: problem.title, body: problemBody(problem) });
}

/** Like `renderProblem`, always a page: for addresses that only browsers open. */
export function sendProblemPage(ctx: KoaContextWithOIDC, problem: ProblemForPeople): void {
  sendPage(ctx, { status: problem.status, title: problem.title, body: problemBody(problem) });
}

function problemBody({ title, text, technical, error }: ProblemForPeople) {
  const details = technical === undefined ? error : `${error}: ${technical}`;
  return html`<h1>${title}</h1>
    <p>${text}</p>
    <dl>
      <div>
        <dt>For whoever supports the app</dt>
        <dd><code>${details}</code></dd>
      </div>
    </dl>
    <p class="small soft">You can close this window.</p>`;
}
