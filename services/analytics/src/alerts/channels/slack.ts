import type { AlertChannelConfigOf } from '@switchyard/gateway-config';
import { answerOutcome } from '../../sinks/http/answer-outcome.js';
import { post } from '../../sinks/http/post.js';
import { Misconfigured } from '../../sinks/sink.js';
import { moreThan, sentencesOf, titleOf, type Notice } from '../notice.js';
import type { Channel, ChannelParts } from './channel.js';

/** Most that a section's text may have is 3,000 characters. */
const SECTION_CHARACTERS = 2_900;

// What an incoming webhook answers, where it means something else than the status does by itself.
const OWN = { 400: 'refused', 410: 'misconfigured' } as const;

/** Opens an incoming webhook of Slack. @throws Misconfigured */
export function openSlackChannel(settings: AlertChannelConfigOf<'slack'>, { egress, clock }: ChannelParts): Channel {
  const url = settings.url.trim();
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw new Misconfigured('the URL of a webhook of Slack is no URL');
  return {
    send: async (notice, signal) => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(slackMessage(notice));
      return answerOutcome(await post(egress, { url, headers, body, timeoutMs: settings.timeoutMs, signal }, clock), OWN);
    },
  };
}

/** Slack's three control characters: without them there are no mentions and no links that say something else than where they lead. */
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escapeControls = (text: string) => text.replaceAll(/[&<>]/g, (found) => ESCAPES[found] ?? '');

/**
 * A text that shows as it is. Between grave accents nothing is formatted or mentioned; those in it become apostrophes. Plain text
 * alone would not do: what takes Slack's messages elsewhere reads "@channel" in it.
 */
const literal = (text: string) => `\`${escapeControls(text.replaceAll('`', "'"))}\``;

/** As many of them, from the first on, as a section takes. */
function fitting(lines: readonly string[]): readonly string[] {
  let characters = 0;
  const end = lines.findIndex((line) => (characters += line.length + 1) > SECTION_CHARACTERS);
  return end === -1 ? lines : lines.slice(0, end);
}

/** A message in Slack's format. */
export function slackMessage(notice: Notice): object {
  const title = titleOf(notice);
  const lines = fitting(sentencesOf(notice).map(literal));
  const shown = [...lines, ...moreThan(lines.length, notice)];
  return {
    text: literal(title),
    link_names: false,
    parse: 'none',
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `*Switchyard* ${literal(title)}`, verbatim: true } },
      { type: 'section', text: { type: 'mrkdwn', text: shown.join('\n'), verbatim: true } },
    ],
  };
}
