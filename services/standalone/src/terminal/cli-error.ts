/** How a command ends: `failed`, the gateway or the upstream said no; `refused`, the command cannot be carried out as given. */
export const EXIT = { ok: 0, failed: 1, refused: 2 } as const;

/** A command cannot do what it was told. The message says why, and what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: (typeof EXIT)['failed' | 'refused'] = EXIT.failed,
  ) {
    super(message);
  }
}
