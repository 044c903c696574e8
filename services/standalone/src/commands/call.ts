import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';
import { Argument, Command } from 'commander';
import { text as readAll } from 'node:stream/consumers';
import { z } from 'zod';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { parseJsonText } from '../gateway/json-text.js';
import { withMcpServer } from '../gateway/mcp-session.js';
import { CliError, EXIT } from '../terminal/cli-error.js';
import { print, type Terminal } from '../terminal/terminal.js';

const toolArguments = z.record(z.string(), z.unknown());

interface CallOptions extends GatewayOptions {
  readonly json?: true;
}

/** `switchyard call`: calls one tool and prints what it says. */
export function command(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('call')
      .argument('<server>', 'slug of the server')
      .argument('<tool>', 'name of the tool, as the server lists it')
      .addArgument(new Argument('[arguments]', 'JSON object; "-" reads it from standard input').default('{}'))
      .option('--json', 'print the whole result as JSON'),
  ).action(async (server: string, tool: string, text: string, options: CallOptions) => {
    const args = await readArguments(text, terminal);
    const gateway = await findGateway(options, terminal);
    const result = await withMcpServer(gateway, server, (client) => client.callTool({ name: tool, arguments: args }));
    const answer = options.json ? JSON.stringify(result, undefined, 2) : plainText(result);
    if (result.isError && !options.json) throw new CliError(answer);
    print(terminal, answer);
    if (result.isError) throw new CliError('The tool reports an error.');
  });
}

async function readArguments(given: string, { stdin }: Terminal): Promise<Record<string, unknown>> {
  const parsed = toolArguments.safeParse(parseJsonText(given === '-' ? await readAll(stdin) : given));
  if (parsed.success) return parsed.data;
  throw new CliError(`The arguments are not a JSON object. Write for example '{"message":"hi"}', in quotes.`, EXIT.refused);
}

/** What a result says, for a person. Only what is no text is described. */
function plainText({ content, structuredContent }: CallToolResult): string {
  if (content.length === 0 && structuredContent !== undefined) return JSON.stringify(structuredContent, undefined, 2);
  return content.map(describeBlock).join('\n');
}

function describeBlock(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return `[${block.type}, ${block.mimeType}, ${sizeOf(block.data)}; --json prints it]`;
    case 'resource':
      return 'text' in block.resource
        ? block.resource.text
        : `[resource ${block.resource.uri}, ${sizeOf(block.resource.blob)}; --json prints it]`;
    case 'resource_link':
      return `[resource ${block.uri}]`;
  }
}

const sizeOf = (base64: string) => `${Buffer.byteLength(base64, 'base64')} bytes`;
