import { startScriptedUpstream } from '@switchyard/testing';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { startOAuthUpstream } from '../../../services/token-vault/src/oauth-upstream.fixture.js';

/** An upstream at which people have accounts, and that takes only tokens which are bound to a key (RFC 9449). */
export interface BoundAccount extends AsyncDisposable {
  /** The MCP endpoint; its tool is `act`. */
  readonly url: string;
  readonly origin: string;
  /** Every token that it was shown, and every proof that it or its authorization server was. */
  readonly shown: { readonly tokens: readonly string[]; readonly proofs: readonly string[] };
}

/** Starts one on free ports. */
export async function startBoundAccount(): Promise<BoundAccount> {
  await using undo = new AsyncDisposableStack();
  const behind = undo.use(await startScriptedUpstream({ name: 'bound', tools: ['act'] }));
  const upstream = undo.use(await startOAuthUpstream());
  const shown = { tokens: [] as string[], proofs: [] as string[] };
  upstream.scheme = 'DPoP';
  upstream.metadata = { dpop_signing_alg_values_supported: ['ES256'] };
  upstream.over = { token_type: 'DPoP' };
  upstream.judge = ({ headers }) => {
    shown.proofs.push(String(headers['dpop']));
    return Promise.resolve(undefined);
  };
  upstream.serve = (request, response) => {
    const token = /^DPoP (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (upstream.accountOf(token) === undefined || request.headers['dpop'] === undefined) return false;
    shown.tokens.push(token);
    shown.proofs.push(String(request.headers['dpop']));
    passOn(request, response, behind.url);
    return true;
  };
  const started = undo.move();
  return { url: upstream.url, origin: upstream.issuer, shown, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function passOn(request: IncomingMessage, response: ServerResponse, target: string): void {
  const { authorization: _authorization, dpop: _dpop, host: _host, ...headers } = request.headers;
  const passed = httpRequest(target, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', () => response.destroy());
  response.on('close', () => passed.destroy());
  request.pipe(passed);
}
