import { Command, CommanderError } from 'commander';
import { CliError, EXIT } from './terminal/cli-error.js';
import { remark, type Terminal } from './terminal/terminal.js';

/** A command: loaded only when it is the one that was asked for, because every import costs start-up time. */
interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: (terminal: Terminal) => Command }>;
}

const COMMANDS: readonly CommandEntry[] = [
  { name: 'up', summary: 'serve a switchyard.yaml on this machine', load: () => import('./commands/up.js') },
  { name: 'validate', summary: 'check a switchyard.yaml', load: () => import('./commands/validate.js') },
  { name: 'add', summary: 'add an upstream to switchyard.yaml', load: () => import('./commands/add.js') },
  { name: 'import', summary: 'add what an mcp.json has to switchyard.yaml', load: () => import('./commands/import.js') },
  { name: 'list', summary: 'list servers, or what one of them offers', load: () => import('./commands/list.js') },
  { name: 'call', summary: 'call a tool', load: () => import('./commands/call.js') },
  { name: 'key', summary: 'create, list and revoke API keys', load: () => import('./commands/key.js') },
  { name: 'secret', summary: 'store secrets that switchyard.yaml refers to', load: () => import('./commands/secret.js') },
  { name: 'audit', summary: 'query the audit trail, or watch it', load: () => import('./commands/audit.js') },
];

/**
 * Runs one command.
 * @param args what follows the name of the program
 * @returns the exit code
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const program = await createProgram(args, terminal);
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return report(error, terminal);
  }
}

async function createProgram(args: readonly string[], terminal: Terminal): Promise<Command> {
  const program = new Command('switchyard')
    .description('One governed front door for all MCP servers of an organisation.')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', '\nWhat a command takes: switchyard <command> --help');
  const wanted = args.find((arg) => !arg.startsWith('-'));
  for (const { name, summary, load } of COMMANDS) {
    const command = name === wanted ? (await load()).command(terminal) : new Command(name);
    program.addCommand(command.summary(summary));
  }
  govern(program, 'switchyard', terminal);
  return program;
}

/** Has a command and all below it speak to the terminal, say where to read on, and never end the process themselves. */
function govern(command: Command, name: string, terminal: Terminal): void {
  command
    .exitOverride()
    .showHelpAfterError(`What it takes: ${name} --help`)
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    });
  for (const one of command.commands) govern(one, `${name} ${one.name()}`, terminal);
}

async function report(error: unknown, terminal: Terminal): Promise<number> {
  // Commander has said it already; help and usage come this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.refused;
  if (error instanceof CliError) {
    remark(terminal, error.message);
    return error.exitCode;
  }
  const { ConfigError } = await import('@switchyard/runtime');
  const isConfigError = error instanceof ConfigError;
  remark(terminal, isConfigError ? error.message : `Something went wrong that should not: ${describe(error)}`);
  return isConfigError ? EXIT.refused : EXIT.failed;
}

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
