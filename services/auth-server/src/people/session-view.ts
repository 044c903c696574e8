import type { SessionView } from '@switchyard/contracts';
import { readResource } from '../provider/resources.js';
import type { LiveSession } from './sessions.js';

/** A session as the API shows it. @param current id of the session that the request was made with */
export function sessionView(session: LiveSession, publicUrl: string, current?: string): SessionView {
  const { id, clientId, clientName, resource, createdAtMs, lastUsedAtMs, expiresAtMs } = session;
  const slug = readResource(resource, publicUrl)?.slug;
  return {
    id,
    client: { id: clientId, name: clientName },
    ...(slug === undefined ? {} : { server: slug }),
    resource,
    created_at: new Date(createdAtMs).toISOString(),
    last_used_at: new Date(lastUsedAtMs).toISOString(),
    expires_at: new Date(expiresAtMs).toISOString(),
    current: id === current,
  };
}
