import { z } from 'zod';

/** OpenAPI `content` of a JSON body. @param io whether defaults are filled in already (`output`) or not (`input`) */
export const jsonContent = (schema: z.ZodType, io: 'input' | 'output' = 'output') => ({
  'application/json': { schema: z.toJSONSchema(schema, { io, target: 'openapi-3.0' }) },
});

/** An OpenAPI response that is a problem document. @param description when it is given */
export const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { type: 'object', description: 'RFC 9457 problem details' } } },
});

/** What operations have in common that answer everybody with what they may read. */
export const forReaders = {
  security: [{ apiKey: [] }, { accessToken: [] }],
  description:
    'API keys need the role admin or auditor. People get what they may read: auditors everything, leads of teams what members of those have done, everybody their own.',
};

/** How those operations refuse whoever they do not let in. */
export const readerRefusals = {
  401: problemResponse('No valid API key or access token was sent.'),
  403: problemResponse('The API key does not have the role.'),
};
