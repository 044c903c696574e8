import type { SinkConfig } from '@switchyard/gateway-config';
import type { Mapping } from './mapping.js';
import { rawMapping } from './mappings/raw.js';

/** Every mapping: one row, one file in mappings/. Which sinks may have which is in libs/gateway-config/src/sinks. */
export const MAPPINGS: { readonly [Name in SinkConfig['mapping']]: Mapping } = {
  raw: rawMapping,
};
