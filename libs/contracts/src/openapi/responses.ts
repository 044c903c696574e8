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
