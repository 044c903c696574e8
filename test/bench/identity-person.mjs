// A person with a browser, an app that they let in, and what it asks the edges.
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { URLSearchParams } from 'node:url';
import { FormBrowser } from '@switchyard/testing';

const REDIRECT_URI = 'http://127.0.0.1:33418/callback';
const REVISION = '2026-07-28';

/** Keeps connections to the edges; to be destroyed at the end. */
export const agent = new Agent({ keepAlive: true });

/** Registers a client, as apps do. @returns its id */
export async function register(publicUrl) {
  const response = await fetch(`${publicUrl}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'bench', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }),
  });
  return (await response.json()).client_id;
}

/** A person who goes through the whole flow. @returns their tokens, and their browser */
export async function signIn({ publicUrl }, clientId, email, server = 'bench') {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL('/oauth/authorize', publicUrl);
  const asked = {
    ...{ response_type: 'code', client_id: clientId, redirect_uri: REDIRECT_URI, state: 's', code_challenge_method: 'S256' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), resource: `${publicUrl}/mcp/${server}` },
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const browser = new FormBrowser(publicUrl);
  const consent = await browser.submit(await browser.open(url), { email, do: 'sign-in' });
  const end = await browser.submit(consent, { do: 'approve' });
  const code = end.searchParams.get('code');
  const body = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT_URI,
  };
  const response = await fetch(`${publicUrl}/oauth/token`, { method: 'POST', body: new URLSearchParams(body) });
  return { ...(await response.json()), browser };
}

/** One request to one edge, as a modern client makes it. Resolves with the header section. */
export function ask(gateway, port, token, method, params = {}, server = 'bench') {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
  const headers = {
    ...{ host: new URL(gateway.publicUrl).host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...{ accept: 'application/json, text/event-stream', 'mcp-protocol-version': REVISION, 'mcp-method': method },
    ...(params.name !== undefined && { 'mcp-name': params.name }),
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: `/mcp/${server}`, method: 'POST', headers, agent }, resolve);
    request.once('error', reject);
    request.end(body);
  });
}

/** @returns the status of an answer, which is read to its end */
export async function statusOf(gateway, port, token) {
  const response = await ask(gateway, port, token, 'tools/list');
  response.resume();
  await new Promise((resolve) => response.once('end', resolve));
  return response.statusCode;
}
