import { z } from 'zod';

// An event has 32 bits for millionths of the currency.
const amount = z.number().min(0).max(4_000);

const price = {
  perCall: amount.optional().describe('For each answer, in the currency.'),
  perThousandTokensIn: amount
    .optional()
    .describe(
      'For a thousand tokens that a model has read, as the upstream reports them in `_meta`, else by estimate of the arguments.',
    ),
  perThousandTokensOut: amount
    .optional()
    .describe(
      'For a thousand tokens that a model has written, as the upstream reports them in `_meta`, else by estimate of the result.',
    ),
};

/** Schema of `audit.prices`. */
export const pricesSection = z
  .strictObject({
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be the three letters of a currency (ISO 4217), such as EUR.')
      .describe('Currency of every price, as ISO 4217 has it: `EUR`.'),
    upstreams: z
      .record(
        z.string(),
        z.strictObject({
          ...price,
          tools: z
            .record(z.string(), z.strictObject(price))
            .default({})
            .describe(
              "Tools that cost something else, by the upstream's own names. What one does not say is as for the upstream.",
            ),
        }),
      )
      .describe('Prices by upstream. Upstreams that are not named cost nothing.'),
  })
  .describe(
    'What calls cost. Events say it as `cost_micros`, in millionths of the currency; nothing is billed, and nothing refused.',
  );

/** What an answer of an upstream, or of one of its tools, costs. */
export type PriceConfig = Omit<z.output<typeof pricesSection>['upstreams'][string], 'tools'>;
