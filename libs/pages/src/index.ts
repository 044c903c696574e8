export { readForm } from './form.js';
export { html, Html } from './html.js';
export { type Page, PAGE_HEADERS, renderPage, type RenderedPage } from './page.js';
