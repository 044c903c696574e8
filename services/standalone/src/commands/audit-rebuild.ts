import { rebuildView, type RebuildView } from '@switchyard/contracts';
import { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { askApi } from '../gateway/admin-client.js';
import { findGateway, gatewayOptions, type GatewayOptions } from '../gateway/find-gateway.js';
import { print, remark, type Terminal } from '../terminal/terminal.js';

interface RebuildOptions extends GatewayOptions {
  readonly partial?: true;
  readonly wait: boolean;
}

const POLL_MS = 500;
/** Lines of progress where nobody looks at a terminal. */
const STEPS = 10;
const path = '/api/v1/audit/rebuild';

/** `switchyard audit rebuild`: fills the database from the stream. */
export function rebuildCommand(terminal: Terminal): Command {
  return gatewayOptions(
    new Command('rebuild').summary('store everything again that is still in the stream, for a database that has lost it'),
  )
    .option('--partial', 'also where the stream no longer holds the beginning: older events stay lost')
    .option('--no-wait', 'do not wait until all of it is stored')
    .action(async (options: RebuildOptions) => {
      const gateway = await findGateway(options, terminal);
      const body = { partial: options.partial ?? false };
      let view = await askApi(gateway, { method: 'POST', path, body }, rebuildView);
      if (!options.wait) return print(terminal, view.id);
      const progress = new Progress(terminal);
      while (view.state === 'running') {
        await delay(POLL_MS);
        view = await askApi(gateway, { path }, rebuildView);
        progress.show(view);
      }
      progress.end();
      tellGone(terminal, view);
      print(terminal, `${view.events} events and ${view.checkpoints} checkpoints were stored from the stream.`);
    });
}

/** How far it is: one line that changes on a terminal, else one for each tenth. */
class Progress {
  readonly #terminal: Terminal;
  #step = -1;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show({ position, messages, events }: RebuildView): void {
    const share = messages === 0 ? 1 : position / messages;
    const text = `${Math.floor(share * 100)} %: ${events} events, batch ${position} of ${messages}`;
    const step = Math.floor(share * STEPS);
    const isSeen = this.#terminal.stderr.isTTY;
    if (isSeen) this.#terminal.stderr.write(`\r\u001b[K${text}`);
    else if (step > this.#step) remark(this.#terminal, text);
    this.#step = step;
  }

  end(): void {
    if (this.#terminal.stderr.isTTY && this.#step >= 0) this.#terminal.stderr.write('\r\u001b[K');
  }
}

/** Said apart from the result: a database that is rebuilt is not always whole. */
function tellGone(terminal: Terminal, { gone, oldest }: RebuildView): void {
  if (gone === 0) return;
  const since = oldest === undefined ? '' : ` What there is begins at ${oldest}.`;
  remark(
    terminal,
    `${gone} batches had left the stream, which keeps 72 hours: their events cannot come back from there.${since}`,
  );
}
