import type { Client } from '@modelcontextprotocol/client';
import { serverList, type ServerList } from '@switchyard/contracts';
import { Command } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayAccess, type GatewayOptions } from '../gateway/find-gateway.js';
import { oneLine, tableLines } from '../terminal/table.js';
import { print, type Terminal } from '../terminal/terminal.js';

interface ListOptions extends GatewayOptions {
  readonly json?: true;
}

/** `switchyard list`: the servers; `switchyard list <server>`: what one of them offers. */
export function command(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('list')
      .argument('[server]', 'slug of a server, to see its tools, prompts and resources')
      .option('--json', 'print JSON'),
  ).action(async (slug: string | undefined, options: ListOptions) => {
    const gateway = await findGateway(options, terminal);
    if (slug === undefined) return listServers(gateway, options, terminal);
    return listCapabilities(gateway, slug, options, terminal);
  });
}

async function listServers(gateway: GatewayAccess, { json }: ListOptions, terminal: Terminal): Promise<void> {
  const { servers } = await askApi(gateway, { path: '/api/v1/servers' }, serverList);
  if (json) return print(terminal, JSON.stringify(servers, undefined, 2));
  if (servers.length === 0) return print(terminal, 'No servers yet. Add one: switchyard add <name> <url>');
  print(terminal, ...tableLines([['SERVER', 'TITLE', 'UPSTREAMS', 'URL'], ...servers.map(serverRow)]));
}

function serverRow({ slug, title, sources, url }: ServerList['servers'][number]): string[] {
  return [slug, oneLine(title), sources.map(({ upstream }) => upstream).join(', '), url];
}

/** A name that clients use, and what it stands for. */
interface Offer {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
}

async function listCapabilities(gateway: GatewayAccess, slug: string, { json }: ListOptions, terminal: Terminal): Promise<void> {
  const { withMcpServer } = await import('../gateway/mcp-session.js');
  const offers = await withMcpServer(gateway, slug, readOffers);
  if (json) return print(terminal, JSON.stringify(offers, undefined, 2));
  const { tools, prompts, resources, resourceTemplates } = offers;
  const sections = [
    ...section('Tools', tools, terminal),
    ...section('Prompts', prompts, terminal),
    ...section(
      'Resources',
      resources.map((resource) => ({ ...resource, name: resource.uri, title: resource.name })),
      terminal,
    ),
    ...section(
      'Templates',
      resourceTemplates.map((template) => ({ ...template, name: template.uriTemplate, title: template.name })),
      terminal,
    ),
  ];
  print(terminal, `${slug}  ${gateway.url}/mcp/${slug}`, ...sections);
}

async function readOffers(client: Client) {
  const [{ tools }, { prompts }, { resources }, { resourceTemplates }] = await Promise.all([
    client.listTools(),
    client.listPrompts(),
    client.listResources(),
    client.listResourceTemplates(),
  ]);
  return { tools, prompts, resources, resourceTemplates };
}

function section(heading: string, offers: readonly Offer[], { stdout }: Terminal): string[] {
  if (offers.length === 0) return [];
  const rows = offers.map(({ name, title, description }) => [oneLine(name), oneLine(description ?? title ?? '')]);
  const widthCharacters = stdout.isTTY ? stdout.columns : undefined;
  return ['', `${heading} (${offers.length})`, ...tableLines(rows, { indent: '  ', widthCharacters })];
}
