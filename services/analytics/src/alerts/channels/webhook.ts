import type { AlertChannelConfigOf } from '@switchyard/gateway-config';
import { answerOutcome } from '../../sinks/http/answer-outcome.js';
import { post } from '../../sinks/http/post.js';
import { signedFields, webhookKey } from '../../sinks/http/sign-webhook.js';
import type { Notice } from '../notice.js';
import type { Channel, ChannelParts } from './channel.js';

/** Opens a URL that messages are posted to, signed as Standard Webhooks 1.0 says. @throws Misconfigured */
export function openWebhookChannel(settings: AlertChannelConfigOf<'webhook'>, { egress, clock }: ChannelParts): Channel {
  const key = webhookKey(settings.secret);
  return {
    send: async (notice, signal) => {
      const body = JSON.stringify(bodyOf(notice));
      const headers = signedFields(key, notice.message.id, body, clock.now());
      const { url, timeoutMs } = settings;
      return answerOutcome(await post(egress, { url, headers, body, timeoutMs, signal }, clock));
    },
  };
}

const bodyOf = ({ rule, kind, message: { id, what, atMs, items, count } }: Notice) => ({
  type: `alert.${what}`,
  timestamp: new Date(atMs).toISOString(),
  data: {
    ...{ id, alert: rule, kind, state: what, count },
    items: items.map(({ about, value, limit, says, sinceMs }) => ({
      what: says,
      about,
      value,
      limit,
      since: new Date(sinceMs).toISOString(),
    })),
  },
});
