import { type CallerFields, type CircumstanceFields, renderRule } from '@switchyard/audit';
import type { EventFields, EventType, Origin, Outcome, Severity, Stage } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { CapturedCall } from './capture/captured-call.js';
import { whoIs } from './caller.js';
import type { Catalog, CompiledSource } from './catalog.js';
import type { Caller } from './exchange.js';

/** Fields that come rendered: what many events say in the same words. */
type Rendered = keyof CallerFields | keyof CircumstanceFields | 'rule' | 'session_id';

/** What an event of the edge says, while it is being found out. Every field is there from the start: all of them have one shape, which is cheap to write and to read. */
export class Facts implements Required<Omit<EventFields, 'occurred_at' | 'detail' | 'stage_us' | Rendered>> {
  type: EventType = 'request.refused';
  outcome: Outcome = 'ok';
  reason = '';
  origin: Origin | '' = '';
  severity: Severity | '' = '';
  tenant = '';
  client_name = '';
  client_version = '';
  upstream = '';
  capability_kind = '';
  capability = '';
  upstream_capability = '';
  method = '';
  era = '';
  revision = '';
  http_status = 0;
  rpc_code = 0;
  client_rpc_id = '';
  upstream_rpc_id = '';
  bytes_in = 0;
  bytes_out = 0;
  duration_us = 0;
  upstream_us = 0;
  attempt = 0;
  arguments_tokens = 0;
  result_tokens = 0;
  model_tokens_in = 0;
  model_tokens_out = 0;
  cost_micros = 0;
  stage_us: Readonly<Partial<Record<Stage, number>>> = NO_STAGES;
  /** Who called, as `renderCaller` has it. */
  who = '';
  /** Where it was sent, or would have been. */
  source: CompiledSource | undefined = undefined;
  /** Event id of its intent; empty where it has none. */
  intent = '';
  /** What it says, where that is kept. */
  captured: CapturedCall | undefined = undefined;
  /** The rule that decided, as `renderRule` has it. */
  rule = '';
  /** The session that the message belongs to, as `renderSession` has it. */
  session = '';
  detail: Readonly<Record<string, string>> = NO_DETAIL;
  /** How long what is not in memory was waited for. */
  waited: Partial<Record<Stage, number>> | undefined = undefined;
  /** Whether an upstream has answered it. */
  answered = false;
  /** How often the upstream has been asked what the client asks. */
  attempts = 0;
  /** When the upstream's last answer was there; 0 before. */
  answeredAtMicros = 0;

  /** @param circumstances as `renderCircumstances` has them */
  constructor(readonly circumstances: string) {}

  /** Who called. @param catalog says of which teams they are */
  calledBy(caller: Caller, catalog: Pick<Catalog, 'teams' | 'publicUrl'>): void {
    this.tenant = caller.principal.tenant;
    this.who = whoIs(caller, catalog);
  }

  /** What in the configuration has decided. */
  ruledBy(path: string): void {
    this.rule = renderRule(path);
  }

  /** A stage has taken time. */
  waitedFor(stage: Stage, micros: number): void {
    this.waited = { ...this.waited, [stage]: (this.waited?.[stage] ?? 0) + micros };
  }

  /** Waits for something that is in memory, as a rule. */
  async waiting<T>(stage: Stage, promise: Promise<T>, clock: Pick<Clock, 'monotonicMicros'>): Promise<T> {
    const since = clock.monotonicMicros();
    try {
      return await promise;
    } finally {
      this.waitedFor(stage, clock.monotonicMicros() - since);
    }
  }

  /** What comes rendered. */
  rendered(): string {
    return this.who + this.circumstances + this.rule + this.session;
  }
}

const NO_STAGES: Readonly<Partial<Record<Stage, number>>> = {};
const NO_DETAIL: Readonly<Record<string, string>> = {};
