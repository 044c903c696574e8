import { errors, type ErrorOut } from 'oidc-provider';
import { ClientDocumentRefused, TooMany } from '../clients/client-refusals.js';
import type { ProblemForPeople } from './error-page.js';

const START_AGAIN = 'Go back to the app and connect again.';

/**
 * What people are told when an authorization request cannot be answered to the client that made it.
 * @param out what the protocol says of it
 */
export function authorizationProblem(status: number, out: ErrorOut, error: Error): ProblemForPeople {
  return { status, error: out.error, ...technical(out), ...sentences(out, error) };
}

function technical({ error_description: description }: ErrorOut): { readonly technical?: string } {
  return description === undefined ? {} : { technical: description };
}

function sentences(out: ErrorOut, error: Error): { readonly title: string; readonly text: string } {
  if (error instanceof errors.SessionNotFound) {
    return { title: 'This sign-in has expired', text: `It was started too long ago, or in another browser. ${START_AGAIN}` };
  }
  if (error instanceof ClientDocumentRefused) {
    const text = `It says that it is described at an address of its own, and what is there cannot be used. ${START_AGAIN} If this stays, tell its developer.`;
    return { title: 'This app cannot be recognised', text };
  }
  if (error instanceof TooMany) {
    return { title: 'Try again in a moment', text: `There are too many requests of this kind. ${START_AGAIN}` };
  }
  if (out.error === 'invalid_client') {
    const text =
      'Its registration is unknown or was removed because it was never used. Remove this server in the app, add it again, and connect.';
    return { title: 'This app is not registered here', text };
  }
  if (out.error === 'invalid_redirect_uri') {
    const text = `The app wants the answer sent to an address that it has not registered, so nothing was sent. ${START_AGAIN} If this stays, tell its developer.`;
    return { title: 'The answer would go to the wrong place', text };
  }
  if (out.error === 'server_error') {
    return { title: 'Something went wrong in the gateway', text: `The log of the gateway says what. ${START_AGAIN}` };
  }
  return {
    title: 'The app sent a request that cannot be answered',
    text: `Nothing was signed in. ${START_AGAIN} If this stays, tell its developer.`,
  };
}
