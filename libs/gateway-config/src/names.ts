import { z } from 'zod';

/** Last part of a server's URL, `/mcp/<slug>`. */
export const slugSchema = z
  .string()
  .regex(/^[a-z0-9-]{1,63}$/, 'must be 1 to 63 of a-z, 0-9 and "-", because it becomes part of a URL. Rename it.');

/** Name of an upstream. */
export const upstreamNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
    'must be 1 to 63 letters, digits, "_" and "-", starting with a letter or digit. Rename it.',
  );

/** Name of a team. */
export const teamNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'must be 1 to 63 letters, digits, ".", "_" and "-", starting with a letter or digit. Rename it.',
  );

/** Last part of the name of a scope, `mcp:<slug>:<name>`. */
export const scopeNameSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,31}$/,
    'must be 1 to 32 of a-z, 0-9, "_" and "-", because it becomes part of a scope. Rename it.',
  );

/** What is put before an upstream's own names. */
export const prefixSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9_.-]{0,32}$/,
    'must be at most 32 letters, digits, ".", "_" and "-", because it becomes part of tool names. Change it.',
  );

/** A pattern over names or URIs: "*" stands for any run of characters. */
export const patternSchema = z.string().min(1).max(512);
