import { z } from 'zod';
import { jsonContent as json, problemResponse as problem } from './responses.js';

/** What somebody has signed in to with one client. */
export const sessionView = z.strictObject({
  id: z.string().describe('Names it towards this API.'),
  client: z.strictObject({ id: z.string(), name: z.string().describe('What the client calls itself.') }),
  server: z.string().optional().describe('Slug of the server; absent where it is for the gateway as a whole, or for this API.'),
  resource: z.string().describe('URL of what it opens.'),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().describe('When the client last got a token: its last use is at most five minutes later.'),
  expires_at: z.iso.datetime(),
  current: z.boolean().describe('Whether this request was made with it.'),
});

/** Answer to `GET /api/v1/me/sessions` and `GET /api/v1/people/{id}/sessions`: the one that was used last first. */
export const sessionList = z.strictObject({ sessions: z.array(sessionView) });

/** Somebody who has signed in. */
export const personView = z.strictObject({
  id: z.string().describe('`sub` of their tokens, and `principal_subject` of their events.'),
  name: z.string(),
  email: z.string().optional(),
  provider: z.string().optional().describe('Identity provider that vouches for them; absent in development.'),
  disabled_at: z.iso.datetime().optional().describe('Absent where they may sign in.'),
});

/** Answer to `GET /api/v1/people`, by id. */
export const peopleList = z.strictObject({
  people: z.array(personView),
  next: z.string().optional().describe('`after` of the next page; absent on the last one.'),
});

/** Query of `GET /api/v1/people`. */
export const peopleQuery = z.strictObject({
  after: z.string().max(100).optional().describe('Id that the page begins after.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Most people in the answer.'),
});

export type SessionView = z.infer<typeof sessionView>;
export type SessionList = z.infer<typeof sessionList>;
export type PersonView = z.infer<typeof personView>;
export type PeopleList = z.infer<typeof peopleList>;
export type PeopleQuery = z.infer<typeof peopleQuery>;

const tags = ['people'];
const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } } as const;
const session = { name: 'session', in: 'path', required: true, schema: { type: 'string' } } as const;
const done = (description: string) => ({ 204: { description } });
const listed = { 200: { description: 'What is signed in to.', content: json(sessionList) } };
const unknownSession = { 404: problem('There is no such session.') };

const own = { security: [{ accessToken: [] }] };
const notSignedIn = { 401: problem('No valid access token for this API was sent.') };

const admins = { security: [{ apiKey: [] }] };
const refusals = { 401: problem('No valid API key was sent.'), 403: problem('The API key does not have the role.') };
const unknownPerson = { 404: problem('Nobody of this id has signed in.') };

/** OpenAPI path items of what people have signed in to. */
export const peoplePaths = {
  '/api/v1/me/sessions': {
    get: {
      ...{ operationId: 'listMySessions', summary: 'List what I have signed in to', tags },
      ...own,
      responses: { ...listed, ...notSignedIn },
    },
  },
  '/api/v1/me/sessions/{session}': {
    delete: {
      ...{ operationId: 'revokeMySession', summary: 'End one of my sessions', tags },
      ...own,
      parameters: [session],
      responses: { ...done('It has ended, at every edge within a second.'), ...unknownSession, ...notSignedIn },
    },
  },
  '/api/v1/me/sign-out-everywhere': {
    post: {
      ...{ operationId: 'signMeOutEverywhere', summary: 'End all of my sessions, this one too', tags },
      ...own,
      responses: { ...done('All have ended.'), ...notSignedIn },
    },
  },
  '/api/v1/people': {
    get: {
      ...{ operationId: 'listPeople', summary: 'List who has signed in (role admin or auditor)', tags },
      ...admins,
      parameters: [
        { name: 'after', in: 'query', required: false, schema: { type: 'string' } },
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 } },
      ],
      responses: { 200: { description: 'A page of people.', content: json(peopleList) }, ...refusals },
    },
  },
  '/api/v1/people/{id}/sessions': {
    get: {
      ...{ operationId: 'listSessions', summary: 'List what somebody has signed in to (role admin or auditor)', tags },
      ...admins,
      parameters: [id],
      responses: { ...listed, ...unknownPerson, ...refusals },
    },
  },
  '/api/v1/people/{id}/sessions/{session}': {
    delete: {
      ...{ operationId: 'revokeSession', summary: 'End a session of somebody (role admin)', tags },
      ...admins,
      parameters: [id, session],
      responses: { ...done('It has ended.'), ...unknownSession, ...refusals },
    },
  },
  '/api/v1/people/{id}/sign-out-everywhere': {
    post: {
      ...{ operationId: 'signOutEverywhere', summary: 'End all sessions of somebody (role admin)', tags },
      ...admins,
      parameters: [id],
      responses: { ...done('All have ended.'), ...unknownPerson, ...refusals },
    },
  },
  '/api/v1/people/{id}/disable': {
    post: {
      ...{ operationId: 'disablePerson', summary: 'Sign somebody out everywhere, and keep them out (role admin)', tags },
      ...admins,
      parameters: [id],
      responses: { ...done('They are out.'), ...unknownPerson, ...refusals },
    },
  },
  '/api/v1/people/{id}/enable': {
    post: {
      ...{ operationId: 'enablePerson', summary: 'Let somebody sign in again (role admin)', tags },
      ...admins,
      parameters: [id],
      responses: { ...done('They may sign in.'), ...unknownPerson, ...refusals },
    },
  },
} as const;
