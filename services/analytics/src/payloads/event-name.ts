import { z } from 'zod';

const decimal = z.string().regex(/^\d{1,18}$/);

/** Parts of an event id. */
export const eventNameParts = {
  emitter: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/),
  epoch: decimal,
  sequence: decimal,
};

/** Which event. */
export interface EventName {
  readonly emitter: string;
  readonly epoch: string;
  readonly sequence: string;
}
