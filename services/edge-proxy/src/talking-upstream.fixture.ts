import { answerResult, beginEvents, type ScriptedUpstream, startScriptedUpstream } from '@switchyard/testing';

/** One `subscriptions/listen`. */
export interface Listener {
  readonly wanted: unknown;
  readonly send: (message: object | string) => void;
  readonly end: () => void;
  readonly isOpen: () => boolean;
}

/** A modern upstream whose streams a test speaks on. */
export interface TalkingUpstream extends ScriptedUpstream {
  /** Oldest first. */
  readonly listeners: Listener[];
  /** Those that have not ended. */
  readonly open: () => Listener[];
}

const EVERYTHING = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
};

export const notification = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params });
export const acknowledge = (notifications: unknown) =>
  notification('notifications/subscriptions/acknowledged', { notifications });

/** @param answer what it does with a new listener by itself; nothing unless told */
export async function startTalking(
  name: string,
  { capabilities = EVERYTHING, onListen }: { capabilities?: object; onListen?: (listener: Listener) => void } = {},
): Promise<TalkingUpstream> {
  const listeners: Listener[] = [];
  const upstream = await startScriptedUpstream({
    name,
    scripts: {
      initialize: ({ message, response }) => {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }));
      },
      'server/discover': (call) =>
        answerResult(call, {
          supportedVersions: ['2026-07-28'],
          capabilities,
          resultType: 'complete',
          ttlMs: 0,
          cacheScope: 'private',
        }),
      'subscriptions/listen': ({ message, response }) => {
        const wanted = (message.params as { notifications?: unknown }).notifications;
        let isOpen = true;
        response.on('close', () => (isOpen = false));
        const listener = { wanted, send: beginEvents(response), end: () => response.end(), isOpen: () => isOpen };
        listeners.push(listener);
        onListen?.(listener);
      },
    },
  });
  return Object.assign(upstream, { listeners, open: () => listeners.filter(({ isOpen }) => isOpen()) });
}
