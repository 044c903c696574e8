import { renderEvent } from '@switchyard/audit';
import type { StreamMessage } from '@switchyard/messaging';
import { ENGINES, tablesForEach } from '../engine/engines.fixture.js';
import { storeBatch } from './store-batch.js';

const epoch = 1767225600000;
const eventsPerMessage = 200;
const messagesPerBatch = 100;
const eventsPerBatch = eventsPerMessage * messagesPerBatch;

/** A batch as it is under load: too large for a small part, and smaller than a few of them. */
function batch(number: number): StreamMessage[] {
  return Array.from({ length: messagesPerBatch }, (_, index) => {
    const first = number * eventsPerBatch + index * eventsPerMessage + 1;
    const lines = Array.from({ length: eventsPerMessage }, (_line, at) => {
      const sequence = first + at;
      const fields = { type: 'tool.called', outcome: 'ok', principal_subject: `user-${sequence % 50}` } as const;
      const detail = { because: String(sequence).padStart(480, 'x') };
      return `${renderEvent({ ...fields, detail }, { tenant: 'default', emitter: 'edge-1', epoch, sequence, recordedAtMs: epoch + sequence })}\n`;
    });
    const data = Buffer.from(lines.join(''));
    return { subject: 'switchyard.events.v1.x.y', messageId: `edge-1/${epoch}/${first}`, sequence: '1', data };
  });
}

describe.each(ENGINES.slice(1))('parts of events in %s', (_name, open) => {
  const openTables = tablesForEach(open);

  it('lie in one file until they are merged, then column by column; whoever asks by person finds the same in both', async () => {
    await using opened = await openTables();
    const { engine } = opened;
    const parts = () => engine.query(`SELECT DISTINCT part_type AS type FROM system.parts WHERE active AND table = 'events'`);
    const ofSomebody = () =>
      engine.query(
        `SELECT toUInt32(count()) AS n FROM (SELECT event_id FROM events WHERE tenant = 'default' AND principal_subject = 'user-7'
         LIMIT 1 BY event_id) SETTINGS force_optimize_projection_name = 'by_principal'`,
      );
    await engine.command('SYSTEM STOP MERGES events');
    await storeBatch(engine, batch(0));
    await storeBatch(engine, batch(1));
    expect(await parts()).toEqual([{ type: 'Compact' }]);
    expect(await ofSomebody()).toEqual([{ n: (2 * eventsPerBatch) / 50 }]);
    await engine.command('SYSTEM START MERGES events');
    await engine.command('OPTIMIZE TABLE events FINAL');
    expect(await parts()).toEqual([{ type: 'Wide' }]);
    expect(await ofSomebody()).toEqual([{ n: (2 * eventsPerBatch) / 50 }]);
  });
});
