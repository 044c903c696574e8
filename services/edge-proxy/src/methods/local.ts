import { resultResponse } from '@switchyard/mcp';
import * as z from 'zod';
import type { Edge } from '../edge.js';
import { answered, type Ending, refused } from '../ending.js';
import type { Call } from '../exchange.js';
import { isLogLevel } from '../log-levels.js';
import { outboundContext } from '../outbound-context.js';
import { Refusal } from '../refusal.js';
import type { ClientSession } from '../session-store.js';
import { tellLogLevel } from '../upstream-log-level.js';
import { upstreamSession } from '../upstream-session.js';

/** `ping`: answered here; every hop has its own (MCP 2025-11-25, "Ping"). */
export function servePing(call: Call): Promise<Ending> {
  return Promise.resolve(answered(resultResponse(call.inbound.envelope.id, '{}')));
}

const setLevelParams = z.object({ level: z.string().refine(isLogLevel) });

/** `logging/setLevel`: kept with the session, and passed on to every upstream that logs (MCP 2025-11-25, "Logging"). */
export async function serveSetLevel(call: Call, edge: Edge): Promise<Ending> {
  const range = call.inbound.envelope.paramsRange;
  const params = setLevelParams.safeParse(range && JSON.parse(call.inbound.bytes.toString('utf8', range.start, range.end)));
  if (!params.success)
    return refused(
      new Refusal(
        'invalid_params',
        'logging/setLevel needs params.level, one of debug, info, notice, warning, error, critical, alert, emergency.',
      ),
    );
  const { session } = call;
  if (session === undefined) throw new Error('logging/setLevel is a method of the legacy era, whose calls have sessions');
  await edge.sessions.change(session, (record) => ({ ...record, logLevel: params.data.level }));
  await Promise.all([...session.links.keys()].map((upstream) => tellUpstream(call, session, upstream, params.data.level, edge)));
  return answered(resultResponse(call.inbound.envelope.id, '{}'));
}

async function tellUpstream(call: Call, session: ClientSession, upstream: string, level: string, edge: Edge): Promise<void> {
  const context = await outboundContext(call, upstream, edge);
  if (context instanceof Refusal) return;
  const link = edge.links.get(upstream, context.scope);
  const standing = await upstreamSession(session, link, context, edge);
  if (!(standing instanceof Refusal)) await tellLogLevel(link, standing, level, context, edge);
}
