import { Problem } from '@switchyard/admin-api';
import type { AlertRuleConfigOf } from '@switchyard/gateway-config';
import { z } from 'zod';
import { EngineError } from '../../engine/engine.js';
import { FINDINGS_LIMIT, type Finding } from '../finding.js';
import { minutesMs, type Evaluation } from '../rule-kind.js';

type Rule = AlertRuleConfigOf<'pipeline'>;

const row = z.object({ sink: z.string(), letters: z.coerce.number() });

/** What is wrong with the audit trail itself. A database that is away is among it, not a failure to look. */
export async function findPipelineFaults(rule: Rule, evaluation: Evaluation): Promise<Finding[]> {
  const ofSinks = await laggingSinks(rule, evaluation);
  const inDatabase = await fromDatabase(rule, evaluation);
  return [...inDatabase, ...ofSinks].slice(0, FINDINGS_LIMIT);
}

async function fromDatabase(rule: Rule, evaluation: Evaluation): Promise<Finding[]> {
  const { pipeline } = evaluation;
  try {
    const parts = [await behind(rule, evaluation), await gaps(evaluation), await deadLetters(rule, evaluation)];
    pipeline.databaseAwayMs(true);
    return parts.flat();
  } catch (error) {
    if (!isAway(error)) throw error;
    const awayMs = pipeline.databaseAwayMs(false);
    if (awayMs < minutesMs(rule.storedMinutes)) return [];
    const says = `the database of the audit trail has not answered for ${minutes(awayMs)} min; events wait`;
    return [{ key: 'database', about: {}, value: minutes(awayMs), limit: rule.storedMinutes, says }];
  }
}

const isAway = (error: unknown) =>
  (error instanceof EngineError && error.code === undefined) || (error instanceof Problem && error.getStatus() === 503);
const minutes = (ms: number) => Math.floor(ms / 60_000);

async function behind({ storedMinutes, waitingEvents }: Rule, { pipeline }: Evaluation): Promise<Finding[]> {
  return (await pipeline.emitters()).flatMap(({ emitter, waiting, behindMs }) => [
    ...finding(
      `stored ${emitter}`,
      { emitter },
      minutes(behindMs),
      storedMinutes,
      (since) => `events of ${emitter} that left it ${since} min ago are not stored`,
    ),
    ...finding(
      `waiting ${emitter}`,
      { emitter },
      waiting,
      waitingEvents,
      (events) => `events that wait in the spool of ${emitter}: ${events}`,
    ),
  ]);
}

async function gaps({ pipeline }: Evaluation): Promise<Finding[]> {
  return (await pipeline.openGaps()).map(({ emitter, epoch, first, last }) => ({
    key: `gap ${emitter}/${epoch}/${first}`,
    about: { emitter },
    value: last - first + 1,
    limit: 0,
    says: `events of ${emitter} that are missing, from ${epoch}/${first} on: ${last - first + 1}`,
  }));
}

async function deadLetters({ windowMinutes, deadLetters: limit }: Rule, { rows, tenant, nowMs }: Evaluation): Promise<Finding[]> {
  const found = await rows({
    text: `SELECT '' AS sink, count() AS letters FROM dead_letters FINAL WHERE dead_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
UNION ALL
SELECT toString(sink) AS sink, count() AS letters FROM sink_dead_letters FINAL
WHERE tenant = {tenant:String} AND dead_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') GROUP BY sink`,
    params: { tenant, since: nowMs - minutesMs(windowMinutes) },
  });
  return found
    .map((one) => row.parse(one))
    .flatMap(({ sink, letters }) =>
      finding(`dead letters ${sink}`, sink === '' ? {} : { sink }, letters, limit, (count) =>
        sink === ''
          ? `lines of the stream that were no events, in ${windowMinutes} min: ${count}`
          : `events that sink ${sink} refused for good in ${windowMinutes} min: ${count}`,
      ),
    );
}

async function laggingSinks({ sinkMinutes }: Rule, { pipeline }: Evaluation): Promise<Finding[]> {
  return (await pipeline.sinks()).flatMap(({ name, oldestMs, reason }) =>
    finding(`sink ${name}`, { sink: name }, minutes(oldestMs), sinkMinutes, (lag) => {
      const why = reason === '' ? '' : `: ${reason}`;
      return `sink ${name} has not taken events of ${lag} min ago${why}`;
    }),
  );
}

function finding(key: string, about: Finding['about'], value: number, limit: number, says: (value: number) => string): Finding[] {
  return value < limit ? [] : [{ key, about, value, limit, says: `${says(value)} (limit ${limit})` }];
}
