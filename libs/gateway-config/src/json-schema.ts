import { z } from 'zod';
import { gatewaySchema } from './gateway-schema.js';

/** JSON Schema (draft 2020-12) of switchyard.yaml as people write it, for editors and for other tools. */
export function gatewayJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(gatewaySchema, { target: 'draft-2020-12', io: 'input' });
  return { ...schema, title: 'Switchyard', description: 'Configuration of a Switchyard gateway (switchyard.yaml).' };
}
