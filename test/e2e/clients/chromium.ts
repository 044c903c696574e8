import { mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { REPOSITORY } from '../targets/gateway-file.js';

const SCREENSHOTS = path.join(REPOSITORY, '.cache/e2e');

// Chromium reaches for the network by itself unless it is told not to.
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A client's own listener on loopback that the browser is sent back to (RFC 8252 §7.3). */
export interface RedirectListener extends AsyncDisposable {
  readonly url: string;
}

/** A desktop application waits for its answer like this. */
export async function listenForRedirect(): Promise<RedirectListener> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nDone.'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/callback`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** What a person sees on the way. */
export interface Journey {
  readonly signInHeading: string;
  readonly consentHeading: string;
  /** What the pages' scripts, policies and requests had to complain about. */
  readonly complaints: readonly string[];
  /** Where the browser was sent back to. */
  readonly back: URL;
}

/** Goes through sign-in and consent with a real browser, with a screenshot of each in .cache/e2e. */
export async function signInWithChromium(authorizationUrl: URL, email: string): Promise<Journey> {
  const executablePath = process.env['SWITCHYARD_TEST_CHROMIUM'];
  if (!executablePath)
    throw new Error('SWITCHYARD_TEST_CHROMIUM is not set: run the tests through npm test, which finds a Chromium');
  await mkdir(SCREENSHOTS, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  try {
    const page = await browser.newPage({ viewport: { width: 900, height: 900 } });
    const complaints = listenToComplaints(page);
    await page.goto(authorizationUrl.href);
    const signInHeading = await headingOf(page, 'sign-in');
    await page.getByLabel('E-mail address').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
    const consentHeading = await headingOf(page, 'consent');
    const redirected = page.waitForURL((url) => url.pathname === '/callback');
    await page.getByRole('button', { name: 'Approve' }).click();
    await redirected;
    return { signInHeading, consentHeading, complaints, back: new URL(page.url()) };
  } finally {
    await browser.close();
  }
}

function listenToComplaints(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => void complaints.push(message.text()));
  page.on('pageerror', (error) => void complaints.push(error.message));
  return complaints;
}

async function headingOf(page: Page, screenshot: string): Promise<string> {
  const heading = await page.getByRole('heading', { level: 1, name: screenshot === 'sign-in' ? 'Sign in' : 'Allow' }).innerText();
  await page.screenshot({ path: path.join(SCREENSHOTS, `${screenshot}.png`) });
  return heading;
}
