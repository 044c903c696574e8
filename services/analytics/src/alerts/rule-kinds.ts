import type { AlertRuleConfig } from '@switchyard/gateway-config';
import type { Finding } from './finding.js';
import { findDenialBursts } from './kinds/denial-burst.js';
import { findErrorRates } from './kinds/error-rate.js';
import { findLatencies } from './kinds/latency.js';
import { findNewTools } from './kinds/new-tool.js';
import { findPipelineFaults } from './kinds/pipeline.js';
import { findUnknownKeys } from './kinds/unknown-signing-key.js';
import { findVolumes } from './kinds/volume.js';
import type { Evaluation, FindOf, RuleKinds } from './rule-kind.js';

/** Every kind of rule: one row, one file in kinds/. Their settings are in libs/gateway-config/src/alerts/alert-rules.ts. */
const KINDS: RuleKinds = {
  'error-rate': findErrorRates,
  'new-tool': findNewTools,
  volume: findVolumes,
  'denial-burst': findDenialBursts,
  latency: findLatencies,
  pipeline: findPipelineFaults,
  'unknown-signing-key': findUnknownKeys,
};

/** What holds now. @throws EngineError, Problem, StateUnavailable where that cannot be known */
export function findOf(rule: AlertRuleConfig, evaluation: Evaluation): Promise<Finding[]> {
  const find = KINDS[rule.kind] as FindOf<AlertRuleConfig>;
  return find(rule, evaluation);
}
