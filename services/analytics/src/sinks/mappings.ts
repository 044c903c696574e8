import type { SinkConfig } from '@switchyard/gateway-config';
import type { Mapping } from './mapping.js';
import { cefMapping } from './mappings/cef.js';
import { ecsMapping } from './mappings/ecs.js';
import { ocsfMapping } from './mappings/ocsf.js';
import { rawMapping } from './mappings/raw.js';

/** Every mapping: one row, one file in mappings/. Which sinks may have which is in libs/gateway-config/src/sinks. */
export const MAPPINGS: { readonly [Name in SinkConfig['mapping']]: Mapping } = {
  raw: rawMapping,
  ocsf: ocsfMapping,
  ecs: ecsMapping,
  cef: cefMapping,
};
