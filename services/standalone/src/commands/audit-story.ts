import { requestStory } from '@switchyard/contracts';
import { Command } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { jsonLine } from '../terminal/json-line.js';
import { storyLines } from '../terminal/story-lines.js';
import { print, terminalWidth, type Terminal } from '../terminal/terminal.js';

interface StoryOptions extends GatewayOptions {
  readonly json?: true;
}

/** `switchyard audit story <id>`: what happened to one request. */
export function storyCommand(terminal: Terminal): Command {
  return gatewayOptions(new Command('story').summary('show what happened to one request, and what took how long'))
    .argument('<id>', 'X-Request-Id of the exchange')
    .option('--json', 'print it as one JSON object')
    .action(async (id: string, options: StoryOptions) => {
      const gateway = await findGateway(options, terminal);
      const story = await askApi(gateway, { path: `/api/v1/requests/${encodeURIComponent(id)}` }, requestStory);
      print(terminal, ...(options.json ? [jsonLine(story)] : storyLines(story, terminalWidth(terminal))));
    });
}
