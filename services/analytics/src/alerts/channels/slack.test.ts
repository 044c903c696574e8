import { boundedFinding } from '../finding.js';
import type { Notice } from '../notice.js';
import { slackMessage } from './slack.js';

const notice = (says: string, more: Partial<Notice['message']> = {}): Notice => ({
  rule: 'denials',
  kind: 'denial-burst',
  message: {
    ...{ id: 'alert_1', what: 'fired', atMs: 0, count: 1, pending: [] },
    items: [{ ...boundedFinding({ key: 'a', about: {}, value: 1, limit: 1, says }), sinceMs: 0 }],
    ...more,
  },
});

interface SlackBody {
  readonly text: string;
  readonly blocks: readonly { readonly text: { readonly type: string; readonly text: string } }[];
}

const textsOf = (body: object) => {
  const { text, blocks } = body as SlackBody;
  return [text, ...blocks.map((block) => block.text.text)];
};

describe("a message in Slack's format", () => {
  it.each([
    ['AL60 a mention of everybody', '<!channel> was denied', '&lt;!channel&gt; was denied'],
    ['AL61 a link that says something else', '<https://evil.example|Slack>', '&lt;https://evil.example|Slack&gt;'],
    ['AL62 what is escaped already', '&lt;!here&gt;', '&amp;lt;!here&amp;gt;'],
    ['AL63 what would end the text as it is', 'a` <@U1> `b', "a' &lt;@U1&gt; 'b"],
    ['AL64 a line break and a control sequence', 'a\n> b\u001b[31m', 'a\\u000a&gt; b\\u001b[31m'],
    ['AL65 text that turns its direction', 'a\u202eb', 'a\\u202eb'],
    ['AL66 bold, strikes and a plain mention', '*a* ~b~ @channel', '*a* ~b~ @channel'],
  ])('%s: shows as it is', (_id, says, shown) => {
    const texts = textsOf(slackMessage(notice(says)));
    expect(texts).toEqual([`\`[firing] denials: ${shown}\``, `*Switchyard* \`[firing] denials: ${shown}\``, `\`${shown}\``]);
    for (const text of texts) expect(text).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
  });

  it('AL67 a storm fits into what Slack takes, and says how many more there are', () => {
    const items = Array.from({ length: 10 }, (_, index) => ({
      ...notice('<'.repeat(900)).message.items[0]!,
      key: String(index),
    }));
    const body = slackMessage(notice('', { items, count: 150 })) as SlackBody & Record<string, unknown>;
    for (const { text } of body.blocks) expect(text.text.length).toBeLessThanOrEqual(3_000);
    expect(body.text).toBe('`[firing] denials: 150 at once`');
    // Two of 300 characters, each escaped, fill most of a section.
    expect(body.blocks[1]?.text.text).toContain('and 148 more');
    expect(body).toMatchObject({ link_names: false, parse: 'none', unfurl_links: false });
  });
});
