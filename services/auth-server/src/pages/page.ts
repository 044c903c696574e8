import { renderPage, type Page } from '@switchyard/pages';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** Sends a page. */
export function sendPage(ctx: KoaContextWithOIDC, page: Page): void {
  const { text, headers } = renderPage(page);
  ctx.status = page.status;
  ctx.set(headers);
  ctx.body = text;
}
