import { FormBrowser } from '@switchyard/testing';
import { freePort } from './gateway.mjs';
import { examineAuthorizationServer } from './referee.mjs';

/** Has the referee examine the authorization server of a running gateway: it signs in as a client of its own, and somebody approves. */
export async function examineAuthorizationSide({ gateway, revision, only }) {
  const { publicUrl } = gateway;
  const port = await freePort();
  const clientId = await register(publicUrl, `http://127.0.0.1:${port}/callback`);
  const options = { url: publicUrl, clientId, resource: gateway.url('legacy'), port, revision, only };
  return examineAuthorizationServer({ ...options, onAuthorizationUrl: (url) => approve(publicUrl, url) });
}

async function register(publicUrl, redirectUri) {
  const body = { client_name: 'The referee', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' };
  const answer = await fetch(`${publicUrl}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()).client_id;
}

/** Does what a person does in a browser, up to the redirect that the referee waits for. */
async function approve(publicUrl, url) {
  const browser = new FormBrowser(publicUrl);
  const signIn = await browser.open(url);
  const consent = await browser.submit(signIn, { email: 'referee@example.com', do: 'sign-in' });
  await fetch(await browser.submit(consent, { do: 'approve' }));
}
