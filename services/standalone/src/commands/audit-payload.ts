import { capturedPayload, erasedPayloads } from '@switchyard/contracts';
import { Command } from 'commander';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { CliError } from '../terminal/cli-error.js';
import { jsonLine } from '../terminal/json-line.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

interface EraseOptions extends GatewayOptions {
  readonly principal: string;
  readonly issuer: string;
  readonly yes?: true;
}

const EVENT_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\/\d{1,18}\/\d{1,18}$/;

/** `switchyard audit payload <event id>`: what was captured of a call. */
export function payloadCommand(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('payload').summary('print what was captured of a call; for auditors, and every read is on record'),
  )
    .argument('<event id>', 'event_id of the call, for example edge-1/1767225600000/42')
    .action(async (id: string, options: GatewayOptions) => {
      if (!EVENT_ID.test(id))
        throw new CliError(`"${id}" is no event id. "switchyard audit query --json" shows those that there are.`);
      const gateway = await findGateway(options, terminal);
      print(terminal, jsonLine(await askApi(gateway, { path: `/api/v1/events/${id}/payload` }, capturedPayload)));
    });
}

/** `switchyard audit erase --principal <subject>`: makes what was captured of somebody unreadable, for good. */
export function eraseCommand(terminal: Terminal): Command {
  return gatewayOptions(new Command('erase').summary('make everything that was captured of one principal unreadable, for good'))
    .requiredOption('--principal <subject>', 'principal_subject, as events say it')
    .requiredOption('--issuer <issuer>', 'principal_issuer, as events say it; api-key for API keys')
    .option('--yes', 'do it; without this, nothing is erased')
    .action(async ({ principal: subject, issuer, yes, ...options }: EraseOptions) => {
      if (yes !== true)
        throw new CliError(
          `There is no way back: nobody can read again what was captured of ${subject} so far. Add --yes to do it.`,
        );
      const gateway = await findGateway(options, terminal);
      const body = { issuer, subject, confirm: `erase what was captured of ${subject}` };
      const { erased } = await askApi(gateway, { method: 'POST', path: '/api/v1/payloads/erase', body }, erasedPayloads);
      remark(
        terminal,
        erased === 0 ? 'Nothing had been captured since the last time.' : `Erased what was captured of ${subject}.`,
      );
    });
}
