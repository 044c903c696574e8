import { z } from 'zod';
import { CAPTURE_MODES, captureRules, clearFields, clearResultFields } from './capture-section.js';
import { DURABILITIES } from './gateway-section.js';
import { patternSchema, prefixSchema, scopeNameSchema } from './names.js';

const patterns = z.array(patternSchema);

const source = z.strictObject({
  upstream: z.string().describe('Name of an entry under `upstreams`.'),
  prefix: prefixSchema.default('').describe('Put before tool and prompt names, for example `tracker__`.'),
  tools: patterns
    .default(['*'])
    .describe("The upstream's own tool names that are offered. `*` stands for any run of characters."),
  deny: patterns
    .default([])
    .describe("The upstream's own tool names, prompt names and resource URIs that are not offered, whatever else says so."),
  prompts: patterns.default(['*']).describe("The upstream's own prompt names that are offered."),
  resources: patterns.default(['*']).describe('Resource URIs that are offered.'),
  readOnly: patterns
    .default([])
    .describe(
      "The upstream's own names of tools that only read. What an upstream says of that itself is not believed. With `audit.durability: strict` they are recorded once, when they have ended, and not before as well.",
    ),
});

const accessRule = z.strictObject({
  teams: z.array(z.string()).default([]).describe('Members of these teams.'),
  everyone: z.boolean().default(false).describe('Everyone who is signed in, and every API key that opens this server.'),
  anonymous: z.boolean().default(false).describe('Anyone at all, signed in or not.'),
  tools: patterns.optional().describe('Tools that the rule grants, by the names that clients see.'),
  prompts: patterns.optional().describe('Prompts that the rule grants, by the names that clients see.'),
  resources: patterns
    .optional()
    .describe(
      'Resource URIs that the rule grants. Without `tools`, `prompts` and `resources` the rule grants everything; with one of them, only what is named.',
    ),
  when: z
    .string()
    .optional()
    .describe('Condition over arguments and claims. Not evaluated by this version, which therefore refuses it.'),
});

/** A rule that names nothing grants everything; one that names something grants only that. */
const access = accessRule.transform(({ tools, prompts, resources, ...who }) => {
  const rest = tools || prompts || resources ? [] : ['*'];
  return { ...who, tools: tools ?? rest, prompts: prompts ?? rest, resources: resources ?? rest };
});

const guardScope = z.strictObject({
  title: z
    .string()
    .min(1)
    .max(100)
    .describe('What a client that has the scope may do, in words that people are asked with, for example `refund payments`.'),
  tools: patterns.default([]).describe('Tools that need the scope, by the names that clients see.'),
  prompts: patterns.default([]).describe('Prompts that need it.'),
  resources: patterns.default([]).describe('Resource URIs that need it.'),
});

/** Schema of one entry under `servers`. */
export const serverSchema = z.strictObject({
  title: z.string().min(1).max(200).optional().describe('Title shown to people. Unless given: the slug.'),
  sources: z
    .array(source)
    .min(1, 'is empty, so the server has nothing to offer. Add for example { upstream: NAME }.')
    .describe('What the server is made of, in the order in which lists show it.'),
  requireDpop: z
    .boolean()
    .default(false)
    .describe(
      'Takes only access tokens that are bound to a key of the client (DPoP, RFC 9449), and so no API keys. They are taken everywhere.',
    ),
  audit: z
    .strictObject({
      durability: z.enum(DURABILITIES).optional().describe('As `audit.durability`, for this server. Unless given: that.'),
      capture: z.enum(CAPTURE_MODES).optional().describe('As `audit.capture`, for this server. Unless given: that.'),
      clear: clearFields,
      clearResult: clearResultFields,
      captureRules,
    })
    .prefault({})
    .describe('What is recorded of this server, and how safely.'),
  access: z
    .array(access)
    .min(1, 'is empty, so nobody could use the server. Add for example { everyone: true }.')
    .describe('Who may use what. A call that no rule grants is denied.'),
  scopes: z
    .record(scopeNameSchema, guardScope)
    .default({})
    .describe(
      'Scopes that tokens need besides `mcp` for some of the server, by name: `mcp:<slug>:<name>`. Clients ask for one when a call needs it, and people are asked again. They bind tokens of people and services, not API keys, and grant nothing that `access` does not.',
    ),
});

/** Schema of one entry under `teams`. */
export const teamSchema = z.strictObject({
  emails: z
    .array(z.email('must be an e-mail address. Correct it.').toLowerCase())
    .default([])
    .describe('Members by e-mail address.'),
  claims: z.array(z.string().min(1)).default([]).describe("Members by a value of the identity provider's teams claim."),
  leads: z
    .array(z.email('must be an e-mail address. Correct it.').toLowerCase())
    .default([])
    .describe(
      'People who may read the events, usage and cost of all members at `/api/v1`, by e-mail address. This makes nobody a member.',
    ),
});

/** A server as people write it. */
export type ServerEntry = z.input<typeof serverSchema>;
