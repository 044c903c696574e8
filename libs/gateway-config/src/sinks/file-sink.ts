import { z } from 'zod';
import { everySink, MAPPINGS } from './sink-parts.js';

/** Settings of a sink that writes files. */
export const fileSink = z.strictObject({
  type: z.literal('file').describe('A file on the machine of analytics, one event a line, which another program collects.'),
  ...everySink(MAPPINGS),
  path: z
    .string()
    .regex(/^\/.*[^/]$/, 'must be the absolute path of a file. Write for example /var/log/switchyard/events.jsonl.')
    .describe('Absolute path of the file. Its folder is made where it is missing.'),
  rotateBytes: z
    .int()
    .min(1024)
    .default(100 * 1024 ** 2)
    .describe('Size at which the file is renamed to `<path>.1`, `<path>.1` to `<path>.2` and so on, and a new one begun.'),
  keepFiles: z.int().min(1).max(1_000).default(10).describe('Renamed files that are kept; the oldest is deleted.'),
});
