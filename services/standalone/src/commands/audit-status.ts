import { pipelineHealth } from '@switchyard/contracts';
import { Command } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { CliError } from '../terminal/cli-error.js';
import { jsonLine } from '../terminal/json-line.js';
import { pipelineLines } from '../terminal/pipeline-lines.js';
import { print, terminalWidth, type Terminal } from '../terminal/terminal.js';

interface StatusOptions extends GatewayOptions {
  readonly json?: true;
}

/** `switchyard audit status`: whether events get from where they are recorded to the database and the sinks. */
export function statusCommand(terminal: Terminal): Command {
  return gatewayOptions(new Command('status').summary('show whether events get where they should'))
    .option('--json', 'print it as one JSON object')
    .action(async (options: StatusOptions) => {
      const gateway = await findGateway(options, terminal);
      const health = await askApi(gateway, { path: '/api/v1/pipeline' }, pipelineHealth);
      print(terminal, ...(options.json ? [jsonLine(health)] : pipelineLines(health, terminalWidth(terminal))));
      const count = health.problems.length;
      if (count > 0) throw new CliError(count === 1 ? 'Something is wrong.' : `${count} things are wrong.`);
    });
}
