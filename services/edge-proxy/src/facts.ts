import type { CallerFields, CircumstanceFields } from '@switchyard/audit';
import type { EventFields, EventType, Origin, Outcome } from '@switchyard/contracts';
import type { CompiledSource } from './catalog.js';
import type { Caller } from './exchange.js';

/** What an event of the edge says, while it is being found out. Every field is there from the start: all of them have one shape, which is cheap to write and to read. */
export class Facts implements Required<
  Omit<EventFields, 'occurred_at' | 'detail' | keyof CallerFields | keyof CircumstanceFields>
> {
  type: EventType = 'request.refused';
  outcome: Outcome = 'ok';
  reason = '';
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
  rule = '';
  origin: Origin | '' = '';
  session_id = '';
  arguments_tokens = 0;
  result_tokens = 0;
  model_tokens_in = 0;
  model_tokens_out = 0;
  cost_micros = 0;
  stage_us: Readonly<Record<string, number>> = NO_STAGES;
  /** Who called, as `renderCaller` has it. */
  who = '';
  /** Where it was sent, or would have been. */
  source: CompiledSource | undefined = undefined;
  /** Event id of its intent; empty where it has none. */
  intent = '';
  detail: Readonly<Record<string, string>> = NO_DETAIL;

  /** @param circumstances as `renderCircumstances` has them */
  constructor(readonly circumstances: string) {}

  /** Who called. */
  calledBy({ principal, who }: Caller): void {
    this.tenant = principal.tenant;
    this.who = who;
  }
}

const NO_STAGES: Readonly<Record<string, number>> = {};
const NO_DETAIL: Readonly<Record<string, string>> = {};
