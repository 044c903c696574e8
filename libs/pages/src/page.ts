import { randomBytes } from 'node:crypto';
import { html, Html } from './html.js';
import { STYLES } from './styles.js';

/** A page for people. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly body: Html;
  /** Where its forms may lead, as CSP sources besides this origin: browsers follow the policy across redirects (CSP 3 §6.6.1). */
  readonly formTargets?: readonly string[];
}

const MARK = Html.constant(
  '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M4 22h9c6 0 5-12 11-12h4M4 22h24" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"/><circle cx="4" cy="22" r="2.4" fill="currentColor"/><circle cx="28" cy="10" r="2.4" fill="currentColor"/><circle cx="28" cy="22" r="2.4" fill="currentColor"/></svg>',
);

/** A page as it is sent. */
export interface RenderedPage {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Renders a page: no scripts, no frames, nothing from elsewhere, not cached. */
export function renderPage(page: Page): RenderedPage {
  const nonce = randomBytes(16).toString('base64');
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy(nonce, page.formTargets ?? []),
    ...PAGE_HEADERS,
  };
  return { text: document(page, nonce).toString(), headers };
}

/** What every answer of these pages carries, redirects too: nothing of an address leaves with a link, and nothing is kept. */
export const PAGE_HEADERS = {
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: browsers would send `Origin: null` with our own forms, and the origin is what proves that they are ours.
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

function policy(nonce: string, formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    ["form-action 'self'", ...formTargets].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

function document({ title, body }: Page, nonce: string): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title} · Switchyard</title>
        <style nonce="${nonce}">
          ${STYLES}
        </style>
      </head>
      <body>
        <main>
          <header>${MARK}<span>Switchyard</span></header>
          ${body}
        </main>
      </body>
    </html> `;
}
