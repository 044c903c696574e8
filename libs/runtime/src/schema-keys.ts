import type { z } from 'zod';

interface Definition {
  readonly type: string;
  readonly shape?: Record<string, z.core.$ZodType>;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly getter?: () => z.core.$ZodType;
}

/** Keys that a schema knows for the object at `path`; empty where it does not fix them. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const reached = path.reduce<z.core.$ZodType[]>((schemas, step) => schemas.flatMap((one) => stepInto(one, step)), [schema]);
  return [...new Set(reached.flatMap(objectsOf).flatMap((definition) => Object.keys(definition.shape ?? {})))];
}

function stepInto(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
  return objectsOf(schema).flatMap((definition) => {
    const next = definition.shape?.[String(step)] ?? definition.valueType ?? definition.element;
    return next ? [next] : [];
  });
}

// The containers behind optional, default, pipe, lazy and union wrappers.
function objectsOf(schema: z.core.$ZodType): Definition[] {
  const definition = schema._zod.def as unknown as Definition;
  const inner = definition.innerType ?? definition.in ?? definition.getter?.();
  if (inner) return objectsOf(inner);
  if (definition.options) return definition.options.flatMap(objectsOf);
  return [definition];
}
