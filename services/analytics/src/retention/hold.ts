import { legalHoldView } from '@switchyard/contracts';
import type { z } from 'zod';
import type { QueryParams } from '../engine/engine.js';
import { EVENTS, type RetainedTable } from './retained-tables.js';

/** What somebody has said must not be deleted, as it is kept. */
export const holdSchema = legalHoldView;
export type Hold = z.output<typeof holdSchema>;

/** A condition, with the values of its placeholders. */
export interface Condition {
  readonly text: string;
  readonly params: QueryParams;
}

/** Which rows of a table holds keep. */
export function heldRows({ heldBy, time }: Pick<RetainedTable, 'heldBy' | 'time'>, holds: readonly Hold[]): Condition {
  if (heldBy !== undefined && 'inEvents' in heldBy) {
    const { text, params } = heldRows(EVENTS, holds);
    if (text === '0') return { text, params };
    return { text: `${heldBy.id} IN (SELECT ${heldBy.inEvents} FROM events WHERE tenant = {tenant:String} AND ${text})`, params };
  }
  const params: Record<string, string | number> = {};
  const placed = (name: string, type: string, value: string | number) => {
    params[name] = value;
    return `{${name}:${type}}`;
  };
  const instant = (name: string, text: string) => `fromUnixTimestamp64Milli(${placed(name, 'Int64', Date.parse(text))}, 'UTC')`;
  const ofHold = ({ principal, server, from, to }: Hold, index: number): string | undefined => {
    const parts: string[] = [];
    // Of rows that cannot be told apart, all of the time may be meant, and what arrived later may be of earlier.
    if (heldBy === undefined)
      return from === undefined ? '1' : `toDateTime64(${time}, 3, 'UTC') >= ${instant(`hold${index}_from`, from)}`;
    if (principal !== undefined) {
      if (heldBy.principal === undefined) return undefined;
      const value = placed(`hold${index}_principal`, 'String', principal);
      parts.push(`(${heldBy.principal.map((column) => `${column} = ${value}`).join(' OR ')})`);
    }
    if (server !== undefined) {
      if (heldBy.server === undefined) return undefined;
      parts.push(`${heldBy.server} = ${placed(`hold${index}_server`, 'String', server)}`);
    }
    if (from !== undefined) parts.push(`toDateTime64(${heldBy.until}, 3, 'UTC') > ${instant(`hold${index}_from`, from)}`);
    if (to !== undefined) parts.push(`toDateTime64(${heldBy.from}, 3, 'UTC') < ${instant(`hold${index}_to`, to)}`);
    return parts.length === 0 ? '1' : `(${parts.join(' AND ')})`;
  };
  const texts = holds.map(ofHold).filter((text) => text !== undefined);
  return { text: texts.length === 0 ? '0' : `(${texts.join(' OR ')})`, params };
}
