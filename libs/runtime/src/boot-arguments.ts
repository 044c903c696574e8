import { parseArgs } from 'node:util';

/** What a service's command line says. */
export type BootArguments =
  { readonly kind: 'run' | 'print-config'; readonly file: string } | { readonly kind: 'usage'; readonly problem?: string };

/** Reads `--config FILE [--print-config]`. */
export function readBootArguments(argv: readonly string[]): BootArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { config: { type: 'string' }, 'print-config': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return { kind: 'usage' };
    if (!values.config) return { kind: 'usage', problem: '--config is required.' };
    return { kind: values['print-config'] ? 'print-config' : 'run', file: values.config };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { kind: 'usage', problem: error.message };
  }
}

export const usageOf = (service: string) => `Usage: ${service} --config FILE [--print-config]`;
