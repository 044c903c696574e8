import type { Envelope } from '@switchyard/mcp';
import type { CapturePlan } from './capture-plan.js';
import type { PayloadKey } from './payload-keys.js';

/** A call whose arguments and result are to be kept. */
export interface CapturedCall {
  readonly plan: CapturePlan;
  readonly key: PayloadKey;
  readonly tenant: string;
  readonly bytes: Buffer;
  readonly envelope: Pick<Envelope, 'argumentsRange' | 'paramsRange' | 'inputResponsesRange'>;
}
