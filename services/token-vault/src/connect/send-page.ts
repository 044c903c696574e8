import { renderPage, type Page } from '@switchyard/pages';
import type { ServerResponse } from 'node:http';

/** Sends a page. @param cookies Set-Cookie fields */
export function sendPage(response: ServerResponse, page: Page, cookies: readonly string[] = []): void {
  const { text, headers } = renderPage(page);
  response
    .writeHead(page.status, {
      ...headers,
      'content-length': Buffer.byteLength(text),
      ...(cookies.length > 0 && { 'set-cookie': [...cookies] }),
    })
    .end(text);
}
