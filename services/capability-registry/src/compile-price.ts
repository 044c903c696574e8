import { create } from '@bufbuild/protobuf';
import { type Price, PriceSchema } from '@switchyard/contracts';
import type { GatewayConfig, PriceConfig } from '@switchyard/gateway-config';

const micros = (amount = 0) => Math.round(amount * 1e6);

const compile = (
  { perCall, perThousandTokensIn, perThousandTokensOut }: PriceConfig,
  tools: Readonly<Record<string, Price>> = {},
): Price =>
  create(PriceSchema, {
    perCallMicros: micros(perCall),
    perThousandTokensInMicros: micros(perThousandTokensIn),
    perThousandTokensOutMicros: micros(perThousandTokensOut),
    tools,
  });

/** What an upstream's answers cost. What a tool does not say is as for the upstream. */
export function compilePrice({ audit }: GatewayConfig, upstream: string): { readonly price?: Price } {
  const price = audit.prices?.upstreams[upstream];
  if (price === undefined) return {};
  const { tools, ...own } = price;
  const ofTools = Object.entries(tools).map(([name, tool]) => [name, compile({ ...own, ...tool })] as const);
  return { price: compile(own, Object.fromEntries(ofTools)) };
}
