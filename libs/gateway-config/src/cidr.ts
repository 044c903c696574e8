import { z } from 'zod';

/** A range of addresses, as CIDR. */
export const cidr = z.string().superRefine((text, context) => {
  const message = refuseCidr(text);
  if (message) context.addIssue(message);
});

function refuseCidr(text: string): string | undefined {
  if (!z.union([z.cidrv4(), z.cidrv6()]).safeParse(text).success)
    return 'must be a range of addresses. Write for example 10.1.0.0/16 or 10.1.2.3/32.';
  if (text.endsWith('/0'))
    return 'allows every address, which would switch the guard off. Write only the ranges that are needed.';
  return undefined;
}
