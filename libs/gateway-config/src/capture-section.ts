import { z } from 'zod';
import { patternSchema } from './names.js';

/** What is kept of calls beside their events. */
export const CAPTURE_MODES = ['metadata', 'redacted', 'full'] as const;

const fieldPath = z
  .string()
  .regex(
    /^[^.\s"]{1,128}(\.[^.\s"]{1,128}){0,15}$/,
    'must be names joined by ".", where "*" is any one name or place in a list. Write for example query.limit or content.*.type.',
  );

/** Paths of fields that stay readable. */
export const clearFields = z
  .array(fieldPath)
  .max(200)
  .default([])
  .describe(
    'Fields of arguments that `redacted` leaves readable, and all that is in them, as paths: `query.limit`, `items.*.id`. Secrets are removed there too.',
  );

/** The same of results. */
export const clearResultFields = z
  .array(fieldPath)
  .max(200)
  .default([])
  .describe('The same of results: `isError`, `content.*.type`, `structuredContent.id`.');

const patterns = z.array(patternSchema).default([]);

/** Of some capabilities something else is kept. */
export const captureRules = z
  .array(
    z
      .strictObject({
        tools: patterns.describe('Tools that it is about, by the names that clients see.'),
        prompts: patterns.describe('Prompts.'),
        resources: patterns.describe('Resource URIs.'),
        capture: z.enum(CAPTURE_MODES).describe('As `capture` of the server, for these.'),
        clear: clearFields,
        clearResult: clearResultFields,
      })
      .superRefine(({ tools, prompts, resources, capture, clear, clearResult }, context) => {
        if (tools.length + prompts.length + resources.length === 0)
          context.addIssue({ code: 'custom', message: 'names nothing that it is about. Add tools, prompts or resources.' });
        if (capture !== 'redacted' && clear.length + clearResult.length > 0)
          context.addIssue({
            code: 'custom',
            path: [clear.length > 0 ? 'clear' : 'clearResult'],
            message: `does nothing where capture is ${capture}. Remove it, or write capture: redacted.`,
          });
      }),
  )
  .default([])
  .describe('What differs for some capabilities. The first rule that matches decides.');

/** How much of arguments, and of a result, is kept. */
export const captureLimitBytes = z
  .int()
  .min(1024)
  .max(96 * 1024)
  .default(64 * 1024)
  .describe(
    'Most bytes of arguments, and as many of a result, that are captured. Of more, `full` keeps the beginning, with the length and the SHA-256 of all of it; `redacted` the length alone.',
  );
