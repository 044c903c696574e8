import { createLogger } from '@switchyard/telemetry';
import { eventually, FakeClock } from '@switchyard/testing';
import { EngineError, type Engine } from '../engine/engine.js';
import { UsageRefresher } from './usage-refresher.js';

const log = createLogger({ service: 'test', level: 'silent' });

describe('usage', () => {
  it('is counted again soon after a database that was silent for half a minute, not as long after as work of half a minute asks for', async () => {
    const clock = new FakeClock();
    const tables = new Map<string, number>();
    const silent = async (sql: string) => {
      const table = /usage_(?:minutes|days)/.exec(JSON.stringify(sql))?.[0] ?? 'usage';
      tables.set(table, (tables.get(table) ?? 0) + 1);
      clock.advance(30_000);
      throw new EngineError('ClickHouse could not be reached', undefined);
    };
    const engine = { query: silent, command: silent } as Partial<Engine> as Engine;
    const refresher = new UsageRefresher({ engine, clock, log });
    const tries = () => [...tables.values()].reduce((sum, count) => sum + count, 0);
    await eventually(() => tries() >= 3);
    await refresher.close();
  });
});
