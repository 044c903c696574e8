import { errors, type Client, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { rejected } from '../events/auth-events.js';
import { exchangeOf } from '../events/exchange.js';
import { deviceAnswerPage, deviceConfirmPage, deviceEntryPage, type DeviceOrigin } from '../pages/device-pages.js';
import { sendPage } from '../pages/page.js';
import type { KnownServers } from '../provider/known-servers.js';
import { readResource } from '../provider/resources.js';
import { LOCKED_SECONDS, TooManyGuesses } from './guess-limit.js';

/** Where people type what their device shows them. */
export const DEVICE_PATH = '/oauth/device';

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

/** Device authorization for agents without a browser (RFC 8628): what its pages show. */
export function deviceFlow({
  enabled,
  publicUrl,
  servers,
}: {
  readonly enabled: boolean;
  readonly publicUrl: string;
  readonly servers: KnownServers;
}): DeviceFlow {
  return {
    enabled,
    // 34 bits for ten minutes, against five guesses (RFC 8628 §5.1).
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: (ctx) => ({ address: ctx.ip, program: ctx.get('user-agent').slice(0, 200) }),
    userCodeInputSource: (ctx, _form, _out, error) => showEntry(ctx, publicUrl, error),
    userCodeConfirmSource: (ctx, _form, client, info, userCode) => {
      const { slug } = readResource(String(ctx.oidc.entities.DeviceCode?.params?.['resource'] ?? ''), publicUrl) ?? {};
      const server = slug === undefined ? {} : { server: servers.title(slug) };
      sendPage(
        ctx,
        deviceConfirmPage({ ...formOf(ctx), ...server, clientName: nameOf(client), userCode, origin: originOf(info) }),
      );
    },
    successSource: (ctx) => sendPage(ctx, deviceAnswerPage('approved')),
  };
}

/** Forms that somebody's link has filled in are shown, not sent: whoever follows one has to look at the code (RFC 8628 §3.3.1, §5.4). */
export async function keepTypedCode(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  const { user_code: typed, ...rest } = ctx.query;
  if (ctx.path !== DEVICE_PATH || ctx.method === 'POST' || typed === undefined) return next();
  ctx.query = rest;
  (ctx.state as Record<string, unknown>)[TYPED] = String(typed).slice(0, 32);
  await next();
}

const TYPED = 'typedUserCode';

/** What the library's errors are to people; it has no other way to tell them apart. */
const UNUSABLE: Readonly<Record<string, string>> = {
  NotFoundError: 'user_code_unknown',
  ExpiredError: 'user_code_expired',
  AlreadyUsedError: 'user_code_used',
};

function showEntry(ctx: KoaContextWithOIDC, publicUrl: string, error: Error | undefined): void {
  if (error?.name === 'AbortedError') return sendPage(ctx, deviceAnswerPage('denied'));
  if (error instanceof TooManyGuesses) {
    ctx.set('retry-after', String(LOCKED_SECONDS));
    return sendPage(ctx, deviceAnswerPage('locked'));
  }
  const unusable = error === undefined ? undefined : UNUSABLE[error.name];
  if (unusable !== undefined) exchangeOf(ctx).refusal = rejected(ctx, publicUrl, unusable);
  if (error instanceof errors.OIDCProviderError) {
    forgetNewSession(ctx);
    return sendPage(ctx, deviceAnswerPage('failed'));
  }
  const typed = (ctx.state as Record<string, unknown>)[TYPED];
  sendPage(
    ctx,
    deviceEntryPage({
      ...formOf(ctx),
      ...(typeof typed === 'string' ? { userCode: typed } : {}),
      ...(error === undefined ? {} : { wrong: true }),
    }),
  );
}

/** The library gives every page a form, and fails to keep its secret for a browser that had no session before. This page has no form. */
function forgetNewSession({ oidc: { session } }: KoaContextWithOIDC): void {
  if (session !== undefined && session.exp === undefined) Object.assign(session, { destroyed: true });
}

const formOf = (ctx: KoaContextWithOIDC) => ({
  action: DEVICE_PATH,
  xsrf: String((ctx.oidc.session?.state as { readonly secret?: unknown } | undefined)?.secret ?? ''),
});

const nameOf = (client: Client) => client.clientName ?? 'An app without a name';

const originOf = ({ address, program }: Readonly<Record<string, unknown>>): DeviceOrigin => ({
  address: typeof address === 'string' ? address : '',
  program: typeof program === 'string' ? program : '',
});
