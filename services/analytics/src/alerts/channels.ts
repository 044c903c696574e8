import type { AlertChannelConfig } from '@switchyard/gateway-config';
import type { Channel, ChannelKinds, ChannelParts, OpenChannel } from './channels/channel.js';
import { openEmailChannel } from './channels/email.js';
import { openSlackChannel } from './channels/slack.js';
import { openWebhookChannel } from './channels/webhook.js';

/** Every kind of channel: one row, one file in channels/. Their settings are in libs/gateway-config/src/alerts/alert-channels.ts. */
const KINDS: ChannelKinds = { webhook: openWebhookChannel, slack: openSlackChannel, email: openEmailChannel };

/** Opens a channel. @throws Misconfigured */
export function openChannel(settings: AlertChannelConfig, parts: ChannelParts): Channel {
  const open = KINDS[settings.type] as OpenChannel;
  return open(settings, parts);
}
