import { SetMetadata, type CustomDecorator } from '@nestjs/common';

/** Roles that an API key can have at the admin APIs. `admin` may change things, `auditor` may read the audit trail. */
export type Role = 'admin' | 'auditor';

/** Metadata key under which a route declares who may call it. */
export const ACCESS_METADATA = 'switchyard:access';

/** Who may call a route. */
export type RouteAccess =
  | { readonly kind: 'public' }
  | { readonly kind: 'person' }
  | { readonly kind: 'roles' | 'reader'; readonly roles: readonly Role[] };

const declare = (access: RouteAccess) => SetMetadata(ACCESS_METADATA, access);

/** Lets in API keys that have one of these roles. On a controller: its routes that say nothing else. */
export function RequireRole(first: Role, ...more: Role[]): CustomDecorator {
  return declare({ kind: 'roles', roles: [first, ...more] });
}

/** Lets in anybody. */
export function Public(): CustomDecorator {
  return declare({ kind: 'public' });
}

/** Lets in API keys that have one of these roles, and people with an access token for the gateway's own API: the route says what those may read. */
export function RequireReader(first: Role, ...more: Role[]): CustomDecorator {
  return declare({ kind: 'reader', roles: [first, ...more] });
}

/** Lets in people, with an access token for the gateway's own API. */
export function RequirePerson(): CustomDecorator {
  return declare({ kind: 'person' });
}
