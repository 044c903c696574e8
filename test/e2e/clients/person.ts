import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { SCREENSHOTS } from './chromium.js';

/** Widths of a desktop and of a phone. */
const WIDTHS = [1280, 390] as const;

/** Screenshots that there are: a page looks the same to everybody, and a picture takes longer than the page. */
const taken = new Set<string>();

/** What somebody saw while they connected an account. */
export interface ConnectJourney {
  readonly connectHeading: string;
  readonly connectedHeading: string;
}

/** Somebody with a browser of their own, which remembers who they are. */
export interface Person extends AsyncDisposable {
  readonly name: string;
  /** Signs in over the company, and lets the client in. @returns where the browser was sent back to */
  signIn(authorizationUrl: URL): Promise<URL>;
  /** Connects an account at the page that a client was given. */
  connect(connectUrl: URL, account: string): Promise<ConnectJourney>;
  /** Ends every connection at the page of all connections. */
  disconnectAll(): Promise<void>;
  /** What scripts, policies and requests of the gateway's pages had to complain about. */
  readonly complaints: readonly string[];
}

/** Gives somebody a window of their own. @param publicUrl of the gateway @param company what people call its identity provider */
export async function openPerson(browser: Browser, name: string, publicUrl: string, company: string): Promise<Person> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const context = await browser.newContext({ viewport: { width: WIDTHS[0], height: 900 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  // Pages of apps and of the upstream are their own business.
  page.on('console', (message) => {
    if (!/^http/.test(message.location().url) || message.location().url.startsWith(publicUrl)) complaints.push(message.text());
  });
  const shoot = async (screenshot: string) => {
    if (taken.has(screenshot)) return;
    taken.add(screenshot);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      await page.screenshot({ path: path.join(SCREENSHOTS, `${screenshot}-${width}.png`), fullPage: true });
    }
  };
  return {
    name,
    complaints,
    signIn: async (authorizationUrl) => {
      await page.goto(authorizationUrl.href);
      await throughCompany(page, company, () => shoot('sign-in'));
      await page.getByRole('heading', { level: 1, name: 'Allow' }).waitFor();
      await shoot('consent');
      const redirected = page.waitForURL(({ pathname }) => pathname.includes('callback') && !pathname.startsWith('/connect'));
      await page.getByRole('button', { name: 'Approve' }).click();
      await redirected;
      return new URL(page.url());
    },
    connect: async (connectUrl, account) => {
      await page.goto(connectUrl.href);
      await throughCompany(page, company, () => shoot('connect-sign-in'));
      const connectHeading = await headingOf(page);
      await shoot('connect');
      await page.getByRole('button', { name: 'Continue to' }).first().click();
      await page.getByRole('link', { name: account }).click();
      await page.waitForURL(({ pathname }) => pathname === connectUrl.pathname);
      const connectedHeading = await headingOf(page);
      await shoot('connected');
      return { connectHeading, connectedHeading };
    },
    disconnectAll: async () => {
      await page.goto(`${publicUrl}/connect`);
      await throughCompany(page, company, async () => undefined);
      await shoot('connections');
      const disconnect = page.getByRole('button', { name: 'Disconnect' });
      for (let left = await disconnect.count(); left > 0; left -= 1) {
        await disconnect.first().click();
        await page.waitForURL(({ pathname }) => pathname !== '/connect');
        await page.goto(`${publicUrl}/connect`);
      }
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}

const headingOf = (page: Page) => page.getByRole('heading', { level: 1 }).innerText();

/** Passes the page that leads to the company's sign-in, where it is shown: who has signed in is not asked again. */
async function throughCompany(page: Page, company: string, shoot: () => Promise<void>): Promise<void> {
  const button = page.getByRole('button', { name: `Continue with ${company}` });
  if ((await button.count()) === 0) return;
  await shoot();
  await button.click();
  await button.waitFor({ state: 'detached' });
}
