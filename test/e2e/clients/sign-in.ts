import { FormBrowser, type ShownPage } from '@switchyard/testing';

/** Takes a person through the browser part of a sign-in. @returns where the client was sent back to */
export type SignIn = (authorizationUrl: URL, email: string) => Promise<URL>;

/** The browser part over plain HTTP: the sign-in form, then the consent form. */
export const signInWithForms: SignIn = async (authorizationUrl, email) => {
  const browser = new FormBrowser(authorizationUrl.origin);
  const signInPage = shown(await browser.open(authorizationUrl));
  const consentPage = shown(await browser.submit(signInPage, { email, do: 'sign-in' }));
  const end = await browser.submit(consentPage, { do: 'approve' });
  if (end instanceof URL) return end;
  throw new Error(`consent did not lead back to the client: ${end.status} ${end.text}`);
};

function shown(result: ShownPage | URL): ShownPage {
  if (result instanceof URL) throw new Error(`no page, but a redirect to ${result.href}`);
  return result;
}
