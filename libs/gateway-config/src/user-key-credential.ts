import { z } from 'zod';
import { holdsAnyReference } from './secret-reference.js';
import { isPrivateUrl } from './loopback.js';
import type { PlacedProblem } from './placed-problem.js';

/** Where each person's key stands in what the upstream is sent. */
const PLACE = '{key}';

/** Each caller's own API key. */
export const userKeyCredential = z.strictObject({
  type: z
    .literal('user-key')
    .describe('Each caller’s own API key there: people enter it once, at /connect/<upstream> of this gateway.'),
  name: z.string().default('Authorization').describe('Name of the header field that the key is sent in.'),
  format: z
    .string()
    .optional()
    .describe(
      'Value of that header field, with `{key}` where the key stands. Unless given: `Bearer {key}` for `Authorization`, else the key alone.',
    ),
  label: z
    .string()
    .regex(/^[^\p{Cc}]{1,60}$/u, 'must be a line of 1 to 60 characters.')
    .default('API key')
    .describe('What the page calls it, as its owner finds it at the upstream: for example `Personal access token`.'),
  helpUrl: z.string().optional().describe('Page of the upstream at which people find or make their key. The form links to it.'),
});

type UserKeyCredential = z.output<typeof userKeyCredential>;

const formatOf = ({ name, format }: UserKeyCredential) =>
  format ?? (name.toLowerCase() === 'authorization' ? `Bearer ${PLACE}` : PLACE);

/** What the vault needs to know to ask people for their keys, and to show them. */
export function userKeySettings(given: UserKeyCredential, url: string): Record<string, string> {
  const { name, label, helpUrl } = given;
  return { url, name, format: formatOf(given), label, ...(helpUrl !== undefined && { help_url: helpUrl }) };
}

/** What the shape of it does not say. @param url of the upstream */
export function userKeyProblems(given: UserKeyCredential, url: string): PlacedProblem[] {
  const { name, label, helpUrl } = given;
  const format = formatOf(given);
  // All of it is shown to people or sent as it stands; nothing of it is a secret.
  const texts = Object.entries({ name, format: given.format, label, helpUrl });
  return [
    ...(isPrivateUrl(url)
      ? []
      : [{ path: ['type'], message: 'sends people’s keys, so url has to begin with https. Correct url.' }]),
    ...texts
      .filter(([, text]) => text !== undefined && holdsAnyReference(text))
      .map(([key]) => ({ path: [key], message: 'cannot hold a reference: the key comes from each person. Write it in clear.' })),
    ...(format.split(PLACE).length === 2
      ? []
      : [{ path: ['format'], message: `has to hold ${PLACE} once, where the key stands. For example: Bearer ${PLACE}.` }]),
    ...(/^[\t\x20-\x7e]*$/.test(format)
      ? []
      : [{ path: ['format'], message: 'holds characters that a header field cannot have. Remove them.' }]),
    ...(helpUrl === undefined || isPrivateUrl(helpUrl)
      ? []
      : [{ path: ['helpUrl'], message: 'must be an https URL, because people are sent there. Correct it.' }]),
  ];
}
