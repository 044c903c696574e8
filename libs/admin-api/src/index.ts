export { AdminGuard, type OnRejected, type People } from './admin.guard.js';
export { openAdminApp, type AdminApp, type AdminAppOptions } from './admin-app.js';
export {
  actorFields,
  requestFields,
  personFields,
  readerFields,
  requestId,
  type AdminRequest,
  type PersonRequest,
  type ReaderRequest,
  type SignedInPerson,
} from './admin-request.js';
export { nestLogger } from './nest-logger.js';
export {
  invalidRequest,
  notFound,
  Problem,
  problemDocument,
  type FieldProblem,
  type ProblemDetails,
  type ProblemDocument,
} from './problem.js';
export { ProblemFilter } from './problem.filter.js';
export { Public, RequirePerson, RequireReader, RequireRole, type Role } from './roles.js';
export { assertRoutesDeclared } from './routes-declared.js';
export { signedInPeople, type ApiTokens } from './signed-in-people.js';
export { zodBody, zodParam, zodQuery } from './zod-pipes.js';
