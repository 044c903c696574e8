import { text as readAll } from 'node:stream/consumers';
import { CliError } from './cli-error.js';
import type { Terminal } from './terminal.js';

const KEY = { ctrlC: '\u0003', ctrlD: '\u0004', backspace: '\u007f', erase: '\b', enter: '\r', newline: '\n' } as const;

/**
 * Reads a secret: what is piped in, without its last line break, or what is typed, which is not shown.
 * @throws CliError where there is nothing, or Ctrl-C was pressed
 */
export async function readSecret(prompt: string, terminal: Terminal): Promise<string> {
  const secret = terminal.stdin.isTTY ? await readTyped(prompt, terminal) : (await readAll(terminal.stdin)).replace(/\r?\n$/, '');
  if (secret === '')
    throw new CliError('There is no value. Type it, or pipe it in: printf %s "$TOKEN" | switchyard secret set <name>');
  return secret;
}

async function readTyped(prompt: string, { stdin, stderr }: Terminal): Promise<string> {
  stderr.write(prompt);
  stdin.setRawMode(true).setEncoding('utf8');
  let typed = '';
  try {
    for await (const chunk of stdin) {
      const { text, done } = typeInto(typed, String(chunk));
      typed = text;
      if (done) break;
    }
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
  return typed;
}

function typeInto(before: string, keys: string): { readonly text: string; readonly done: boolean } {
  let text = before;
  for (const key of keys) {
    if (key === KEY.ctrlC) throw new CliError('Nothing was stored.');
    if (key === KEY.enter || key === KEY.newline || key === KEY.ctrlD) return { text, done: true };
    text = key === KEY.backspace || key === KEY.erase ? text.slice(0, -1) : text + key;
  }
  return { text, done: false };
}
