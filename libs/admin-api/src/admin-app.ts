import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ApiKeyDirectory } from '@switchyard/api-keys';
import type { Audit } from '@switchyard/audit';
import type { Rpc } from '@switchyard/messaging';
import type { Logger } from '@switchyard/telemetry';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AdminGuard, type OnRejected, type People } from './admin.guard.js';
import { keyFields, requestFields } from './admin-request.js';
import { nestLogger } from './nest-logger.js';
import { ProblemFilter } from './problem.filter.js';
import { assertRoutesDeclared } from './routes-declared.js';

/** What the HTTP and RPC side of a service needs. */
export interface AdminAppOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly keys: ApiKeyDirectory;
  /** How people are told apart who call with access tokens; absent where no route is for them. */
  readonly people?: People;
  /** Takes an `auth.rejected` event for every request that was not let in. */
  readonly audit: Pick<Audit, 'record'>;
  readonly log: Logger;
  /** Serves the module's `@MessagePattern` handlers too. */
  readonly rpc?: Rpc;
  /** Largest JSON body, 100 KiB unless told. */
  readonly bodyLimitBytes?: number;
  /** Sees every request first, its body unread; calls `next` for what is not its own to answer. */
  readonly before?: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
}

/** A listening application. */
export interface AdminApp {
  readonly url: string;
  /** Stops accepting, lets running requests finish, stops the RPC handlers. Idempotent. */
  close(): Promise<void>;
}

const defaultBodyLimitBytes = 100 * 1024;

function recordRejections({ audit, log }: AdminAppOptions): OnRejected {
  return ({ request, status, apiKey }) => {
    const actor = { ...requestFields(request), ...(apiKey === undefined ? {} : keyFields(apiKey)) };
    const reason = status === 401 ? 'unauthenticated' : 'forbidden';
    audit
      .record({ type: 'auth.rejected', outcome: 'denied', reason, http_status: status, ...actor })
      .catch((error: unknown) => log.error('a rejected admin request could not be recorded', { reason, error }));
  };
}

async function listen(app: INestApplication, o: AdminAppOptions): Promise<string> {
  if (o.rpc !== undefined) {
    app.connectMicroservice(o.rpc.server());
    await app.startAllMicroservices();
  }
  await app.listen(o.port, o.host);
  const { address, port, family } = app.getHttpServer().address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Starts a Nest module with everything that an admin API needs: guard, problem documents, body limit, and its RPC handlers.
 * @throws Error naming the routes that do not say who may call them
 */
export async function openAdminApp(module: Type | DynamicModule, o: AdminAppOptions): Promise<AdminApp> {
  const app = await NestFactory.create<NestExpressApplication>(module, {
    logger: nestLogger(o.log),
    abortOnError: false,
    bodyParser: false,
  });
  if (o.before !== undefined) app.use(o.before);
  app.useBodyParser('json', { limit: o.bodyLimitBytes ?? defaultBodyLimitBytes });
  app.disable('x-powered-by');
  app.useGlobalGuards(new AdminGuard({ ...o, onRejected: recordRejections(o) }));
  app.useGlobalFilters(new ProblemFilter(o.log));
  assertRoutesDeclared(app);
  const url = await listen(app, o).catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  let closed: Promise<void> | undefined;
  return { url, close: () => (closed ??= app.close()) };
}
