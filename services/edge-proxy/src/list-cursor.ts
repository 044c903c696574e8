import type { Principal } from '@switchyard/contracts';
import { decodeCursor, encodeCursor } from '@switchyard/mcp';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { ListKey } from './capability-names.js';

/** What a cursor is good for: a page of this list, of this content, of this server, for this caller. */
export interface CursorScope {
  readonly principal: Principal;
  /** Slug of the server. */
  readonly server: string;
  readonly list: ListKey;
  /** Of the whole list. */
  readonly digest: string;
}

const cursorState = z.strictObject({ from: z.int().min(1), of: z.string() });

/** Where a page begins, and what it is a page of. */
export type ListCursor = z.infer<typeof cursorState>;

const DIGEST_BYTES = 18;

function digestOf({ principal, server, list, digest }: CursorScope): string {
  const { tenant, issuer, subject } = principal;
  const whole = JSON.stringify([tenant, issuer, subject, server, list, digest]);
  return createHash('sha256').update(whole).digest().subarray(0, DIGEST_BYTES).toString('base64url');
}

/**
 * The cursor of the page that begins with an item (MCP 2026-07-28, "Pagination"). Any edge makes the same, and reads it. It is not
 * signed: a page that somebody makes up a cursor for is one of the list that they are shown anyway.
 */
export const cursorTo = (from: number, scope: CursorScope): string => encodeCursor({ from, of: digestOf(scope) });

/** Reads a cursor; undefined for what is none of the gateway's. */
export function readCursor(text: string): ListCursor | undefined {
  return cursorState.safeParse(decodeCursor(text)).data;
}

/** Whether the cursor is of this list. One of a list that has changed since is not: what is on its pages may have moved. */
export const isOf = ({ of }: ListCursor, scope: CursorScope): boolean => of === digestOf(scope);
