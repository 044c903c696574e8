import { EVENT_TYPES, OUTCOMES } from '@switchyard/contracts';
import { z } from 'zod';
import { cidr } from '../cidr.js';
import { HOW_TO_REFERENCE, holdsReference, unknownReferences } from '../secret-reference.js';

/** A secret of a sink: a reference, which the vault resolves. */
export const secret = z.string().superRefine((text, context) => {
  const unknown = unknownReferences(text)[0];
  if (unknown !== undefined) context.addIssue(`${unknown} is not a reference. ${HOW_TO_REFERENCE}.`);
  else if (!holdsReference(text)) context.addIssue(`is a secret in clear text. ${HOW_TO_REFERENCE}.`);
});

const HTTP_URL = 'must be an http or https URL without a user, for example https://collector.example.com:8088.';

/** Where a sink is reached over HTTP. */
export const httpUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}, HTTP_URL);

/** How a server is reached: what every sink that connects to one has beside its own settings. */
export const reach = {
  allow: z
    .array(cidr)
    .default([])
    .describe(
      'Private or otherwise special ranges that this sink may be in, as CIDR. Loopback needs no entry while `gateway.publicUrl` is a loopback address.',
    ),
  ca: z
    .string()
    .optional()
    .describe(
      'Certificates that are trusted instead of the usual ones, PEM: a reference such as `${file:ca.pem}`, or as they are.',
    ),
  timeoutMs: z.int().min(1_000).max(300_000).default(30_000).describe('Longest wait for an answer, in milliseconds.'),
};

/** What HTTP sinks have beside that. */
export const httpReach = {
  ...reach,
  proxy: httpUrl.optional().describe('HTTP proxy that the sink is reached through (CONNECT). `allow` then is about the proxy.'),
};

const covers = (pattern: string) => {
  const expression = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`);
  return EVENT_TYPES.some((type) => expression.test(type));
};
const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

const typePattern = z.string().max(100).refine(covers, 'matches no type of event. Write for example tool.called or auth.*.');

/** Which events are meant, where it is not all. */
export const eventFilter = z
  .strictObject({
    types: z
      .array(typePattern)
      .optional()
      .describe('Types of events, for example `tool.called`. `*` stands for any run of characters.'),
    outcomes: z.array(z.enum(OUTCOMES)).optional().describe('How the exchange ended.'),
    servers: z.array(z.string()).optional().describe('Virtual servers, by slug.'),
    teams: z.array(z.string()).optional().describe('Teams of whoever called.'),
    upstreams: z.array(z.string()).optional().describe('Upstreams, by name.'),
  })
  .default({})
  .describe('Which events it gets: those that match all of what is said here. Unless given: every event.');

/** What every sink has. @param mappings in which words this kind can be told; the first unless given */
export const everySink = <const Mappings extends readonly [string, ...string[]]>(mappings: Mappings) => ({
  mapping: z
    .enum(mappings)
    .default(mappings[0] as never)
    .describe(
      `In which words events are told: ${mappings.map((name) => `\`${name}\``).join(', ')}. \`raw\` is Switchyard's own.`,
    ),
  filter: eventFilter,
});

/** Mappings that make a JSON object of an event. Their functions are in services/analytics/src/sinks/mappings. */
export const JSON_MAPPINGS = ['raw', 'ocsf', 'ecs'] as const;
/** Every mapping. */
export const MAPPINGS = [...JSON_MAPPINGS, 'cef'] as const;
