import { mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { REPOSITORY } from '../targets/gateway-file.js';

/** Where screenshots are left. */
export const SCREENSHOTS = path.join(REPOSITORY, '.cache/e2e');

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
  return travel(authorizationUrl, 'sign-in', 'consent', async (page) => {
    await page.getByLabel('E-mail address').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
  });
}

/** The same over the company's identity provider, which lets people through without a page. @param company what people call it */
export async function signInAtCompanyWithChromium(authorizationUrl: URL, company: string): Promise<Journey> {
  return travel(authorizationUrl, 'company-sign-in', 'company-consent', (page) =>
    page.getByRole('button', { name: `Continue with ${company}` }).click(),
  );
}

/** Opens an address, presses a button, and leaves a screenshot of the page with a heading like this. @returns the whole heading */
export async function lookWithChromium(url: URL, press: string, heading: string, screenshot: string): Promise<string> {
  return withPage(async (page) => {
    await page.goto(url.href);
    await page.getByRole('button', { name: press }).click();
    return headingOf(page, screenshot, heading);
  });
}

/** What a person sees who connects their account at an upstream. */
export interface Connecting {
  readonly askedHeading: string;
  readonly doneHeading: string;
  readonly complaints: readonly string[];
}

/** Connects an account with a real browser, with a screenshot of each page in .cache/e2e. @param account at the upstream of the tests */
export async function connectWithChromium(connectUrl: string, email: string, account: string): Promise<Connecting> {
  return withPage(async (page) => {
    const complaints = listenToComplaints(page);
    await page.goto(connectUrl);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
    const askedHeading = await headingOf(page, 'connect', 'Connect');
    await page.getByRole('button', { name: 'Continue to' }).click();
    await page.getByLabel('Account').fill(account);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const doneHeading = await headingOf(page, 'connected', 'is connected');
    await page.goto(new URL('/connect', connectUrl).href);
    await headingOf(page, 'connections', 'Your connections');
    await page.getByRole('link', { name: 'open' }).click();
    await headingOf(page, 'connect-again', 'Connect');
    return { askedHeading, doneHeading, complaints };
  });
}

async function travel(url: URL, first: string, second: string, signIn: (page: Page) => Promise<void>): Promise<Journey> {
  return withPage(async (page) => {
    const complaints = listenToComplaints(page);
    await page.goto(url.href);
    const signInHeading = await headingOf(page, first, 'Sign in');
    await signIn(page);
    const consentHeading = await headingOf(page, second, 'Allow');
    const redirected = page.waitForURL(({ pathname }) => pathname === '/callback');
    await page.getByRole('button', { name: 'Approve' }).click();
    await redirected;
    return { signInHeading, consentHeading, complaints, back: new URL(page.url()) };
  });
}

/** Starts a browser. @throws Error where the tests were not told of one */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['SWITCHYARD_TEST_CHROMIUM'];
  if (!executablePath)
    throw new Error('SWITCHYARD_TEST_CHROMIUM is not set: run the tests through npm test, which finds a Chromium');
  await mkdir(SCREENSHOTS, { recursive: true });
  return chromium.launch({ executablePath, args: ARGUMENTS });
}

async function withPage<T>(use: (page: Page) => Promise<T>): Promise<T> {
  const browser = await launchChromium();
  try {
    return await use(await browser.newPage({ viewport: { width: 900, height: 900 } }));
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

async function headingOf(page: Page, screenshot: string, name: string): Promise<string> {
  const heading = await page.getByRole('heading', { level: 1, name }).innerText();
  await page.screenshot({ path: path.join(SCREENSHOTS, `${screenshot}.png`) });
  return heading;
}
