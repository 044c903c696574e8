import { z } from 'zod';

const PLACE = '{key}';

/** Settings of an upstream of kind `user-key`, as the configuration's template carries them. */
export const keySettings = z
  .object({
    /** The upstream's MCP endpoint. */
    url: z.url(),
    /** Name of the header field, and its value with `{key}` in it. */
    name: z.string().min(1),
    format: z.string().refine((text) => text.split(PLACE).length === 2),
    label: z.string().min(1),
    help_url: z.url({ protocol: /^https?$/ }).optional(),
  })
  .transform(({ help_url: helpUrl, ...kept }) => ({ ...kept, ...(helpUrl !== undefined && { helpUrl }) }));

export type KeySettings = z.output<typeof keySettings>;

/** The header field that a key is shown in. */
export function headersWith({ name, format }: KeySettings, key: string): Record<string, string> {
  const [before = '', after = ''] = format.split(PLACE);
  return { [name]: `${before}${key}${after}` };
}

/** What stands before the key in that field, for example `Bearer`; empty where there is nothing. */
export const schemeOf = ({ format }: KeySettings): string => (format.split(PLACE)[0] ?? '').trim();
