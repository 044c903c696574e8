import type { INestApplication, Type } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { ACCESS_METADATA } from './roles.js';

function undeclaredRoutes(controller: Type): string[] {
  if (Reflect.hasMetadata(ACCESS_METADATA, controller)) return [];
  return Object.entries(Object.getOwnPropertyDescriptors(controller.prototype as object))
    .filter(([, { value }]) => typeof value === 'function')
    .filter(([, { value }]) => Reflect.hasMetadata(METHOD_METADATA, value as object))
    .filter(([, { value }]) => !Reflect.hasMetadata(ACCESS_METADATA, value as object))
    .map(([name]) => `${controller.name}.${name}`);
}

/**
 * Makes sure that every HTTP route says who may call it.
 * @throws Error naming the routes that have none of `@RequireRole`, `@RequirePerson` and `@Public`
 */
export function assertRoutesDeclared(app: INestApplication): void {
  const modules = [...app.get(ModulesContainer).values()];
  const controllers = modules.flatMap((module) => [...module.controllers.values()].map(({ metatype }) => metatype));
  const undeclared = controllers
    .filter((metatype) => typeof metatype === 'function')
    .flatMap((metatype) => undeclaredRoutes(metatype as Type));
  if (undeclared.length === 0) return;
  throw new Error(
    `Routes that do not say who may call them: ${undeclared.join(', ')}. Add @RequireRole(…), @RequirePerson() or @Public().`,
  );
}
