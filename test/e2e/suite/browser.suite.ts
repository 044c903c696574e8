import { listenForRedirect, signInWithChromium, type Journey } from '../clients/chromium.js';
import { SDKS } from '../clients/sdk-clients.js';
import { EDITOR } from '../targets/gateway-file.js';
import type { GetContext } from './context.js';
import { signInAt } from './sign-in.suite.js';

/** The pages in a real browser, which keeps their content security policy and cookies as forms over HTTP do not. */
export function browserSuite(context: GetContext): void {
  describe('people with a real browser', () => {
    it('B-1 sign in, approve, and their client calls in their name', async () => {
      await using redirect = await listenForRedirect();
      let journey: Journey | undefined;
      const signIn = async (url: URL, email: string) => (journey = await signInWithChromium(url, email)).back;
      const event = { upstream: 'ledger', outcome: 'ok' };
      const at = { sdk: SDKS.v2, slug: 'team', email: EDITOR, event, signIn, redirectUrl: redirect.url };
      await using person = await signInAt(context(), at);
      expect(journey).toMatchObject({ signInHeading: 'Sign in', consentHeading: 'Allow SDK v2 of the tests to use “team”?' });
      expect(journey?.complaints).toEqual([]);
      expect(await person.client.callTool('echo', { text: 'from a browser' })).toBe('ledger: from a browser');
    }, 300_000);
  });
}
