/** What a command speaks to: the process that it was started in. */
export interface Terminal {
  /** Working directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** How wide a terminal is; undefined where the output is none. */
export const terminalWidth = ({ stdout }: Terminal): number | undefined => (stdout.isTTY ? stdout.columns : undefined);

/** Prints lines of a command's answer. */
export function print(terminal: Terminal, ...lines: readonly string[]): void {
  terminal.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Prints lines about a command's answer, which are no part of it. */
export function remark(terminal: Terminal, ...lines: readonly string[]): void {
  terminal.stderr.write(lines.map((line) => `${line}\n`).join(''));
}
