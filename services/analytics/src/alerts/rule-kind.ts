import type { AlertRuleConfig, AlertRuleConfigOf } from '@switchyard/gateway-config';
import type { Sql } from '../api/limited-reads.js';
import type { Finding } from './finding.js';
import type { PipelineHealth } from './pipeline-health.js';

/** What evaluating a rule stands on. */
export interface Evaluation {
  readonly tenant: string;
  /** The end of the time that is looked at, milliseconds since 1970. */
  readonly nowMs: number;
  /** Asks the database, within limits. @throws EngineError; Problem where a limit is met or the database is away */
  readonly rows: (sql: Sql) => Promise<readonly unknown[]>;
  readonly pipeline: PipelineHealth;
}

/** Finds what holds now of one kind of rule. At most FINDINGS_LIMIT, the worst first. */
export type FindOf<Rule extends AlertRuleConfig> = (rule: Rule, evaluation: Evaluation) => Promise<Finding[]>;

/** One for every kind that can be configured. */
export type RuleKinds = { readonly [Kind in AlertRuleConfig['kind']]: FindOf<AlertRuleConfigOf<Kind>> };

/** Milliseconds of so many minutes. */
export const minutesMs = (minutes: number): number => minutes * 60_000;
