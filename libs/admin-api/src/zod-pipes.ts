import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { invalidRequest, type FieldProblem } from './problem.js';

function fieldProblems(issue: z.core.$ZodIssue, prefix: readonly string[]): FieldProblem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code !== 'unrecognized_keys') return [{ field: path.join('.'), message: issue.message }];
  return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'is not known here' }));
}

function zodPipe<Schema extends z.ZodType>(schema: Schema, prefix: readonly string[]): PipeTransform<unknown, z.infer<Schema>> {
  return {
    transform(value) {
      const parsed = schema.safeParse(value ?? {});
      if (parsed.success) return parsed.data;
      throw invalidRequest(parsed.error.issues.flatMap((issue) => fieldProblems(issue, prefix)));
    },
  };
}

/** `@Query(zodQuery(schema))`: parses the query string, or refuses with a 400 problem that names the fields. */
export function zodQuery<Schema extends z.ZodType>(schema: Schema): PipeTransform<unknown, z.infer<Schema>> {
  return zodPipe(schema, []);
}

/** `@Body(zodBody(schema))`: parses the JSON body, or refuses with a 400 problem that names the fields. */
export function zodBody<Schema extends z.ZodType>(schema: Schema): PipeTransform<unknown, z.infer<Schema>> {
  return zodPipe(schema, []);
}

/** `@Param('id', zodParam('id', schema))`: parses one part of the path, or refuses with a 400 problem that names it. */
export function zodParam<Schema extends z.ZodType>(name: string, schema: Schema): PipeTransform<unknown, z.infer<Schema>> {
  return zodPipe(schema, [name]);
}
