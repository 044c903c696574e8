import { z } from 'zod';

const holders = z.strictObject({
  emails: z
    .array(z.email('must be an e-mail address. Correct it.').toLowerCase())
    .default([])
    .describe('People by e-mail address.'),
  claims: z.array(z.string().min(1)).default([]).describe("People by a value of the identity provider's teams claim."),
  teams: z.array(z.string()).default([]).describe('Members of these teams.'),
});

/** Schema of the section `roles`. */
export const rolesSection = z
  .strictObject({
    auditor: holders
      .prefault({})
      .describe(
        'Who may read everybody’s events, usage and cost at `/api/v1`. Nobody unless told. Leads of teams (`teams.<name>.leads`) may read those of their teams, everybody else their own.',
      ),
  })
  .prefault({})
  .describe(
    'What people may do at the API, when they call it with an access token of their own. API keys have roles of their own.',
  );
