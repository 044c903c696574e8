import { importMcpServers, mergeImport } from '@switchyard/gateway-config';
import { readConfigFile } from '@switchyard/runtime';
import { Command } from 'commander';
import path from 'node:path';
import { editConfig } from '../gateway/edit-config.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

/** `switchyard import`: takes over what another program's mcp.json has. */
export function command(terminal: Terminal): Command {
  return new Command('import')
    .argument('<file>', 'mcp.json of Claude, Cursor and others (mcpServers), or of VS Code (servers)')
    .option('--config <file>', 'the configuration to change')
    .action((source: string, { config }: { readonly config?: string }) => {
      const { notes, ...imported } = importMcpServers(readConfigFile(path.resolve(terminal.cwd, source)), source);
      const file = editConfig(config, terminal, (text, shown) => mergeImport(text, imported, shown));
      const names = Object.keys(imported.upstreams);
      remark(terminal, ...notes);
      print(terminal, `${names.length === 0 ? 'Nothing to add' : `${file} has ${names.join(', ')} from ${source} now`}.`);
    });
}
