import { RETENTION_REFUSALS, type RetainedTableView } from '@switchyard/contracts';
import type { Telemetry } from '@switchyard/telemetry';
import { RETAINED_TABLES } from './retained-tables.js';

/** What metrics say of retention. */
export class RetentionMetrics {
  readonly #deleted;
  #tables: readonly RetainedTableView[] = [];
  #failures = 0;

  constructor(meter: Telemetry['meter']) {
    this.#deleted = meter.createCounter('switchyard_retention_deleted_rows', { description: 'Rows that retention has deleted' });
    for (const { name } of RETAINED_TABLES) this.#deleted.add(0, { table: name });
    meter
      .createObservableGauge('switchyard_retention_kept_rows', {
        description: 'Rows that are older than their retention and were not deleted, by reason',
      })
      .addCallback((result) => {
        for (const { name } of RETAINED_TABLES)
          for (const reason of RETENTION_REFUSALS) result.observe(this.#kept(name, reason), { table: name, reason });
      });
    meter
      .createObservableGauge('switchyard_retention_failed_passes', {
        description: 'Passes of retention in a row that ended early',
      })
      .addCallback((result) => result.observe(this.#failures));
  }

  /** What the last pass of whichever replica was. */
  show(tables: readonly RetainedTableView[]): void {
    this.#tables = tables;
  }

  /** A pass has ended here. */
  passed(tables: readonly RetainedTableView[]): void {
    this.#tables = tables;
    this.#failures = 0;
    for (const { table, deleted } of tables) this.#deleted.add(deleted, { table });
  }

  /** One has ended early. */
  failed(): void {
    this.#failures += 1;
  }

  #kept(table: string, reason: string): number {
    const view = this.#tables.find((one) => one.table === table);
    return view?.kept.find((one) => one.reason === reason)?.rows ?? 0;
  }
}
