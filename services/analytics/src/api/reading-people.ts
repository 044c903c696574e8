import { Problem, signedInPeople, type ApiTokens, type People } from '@switchyard/admin-api';
import type { Revocations } from '@switchyard/api-keys';
import { AccessTokenVerifier, KeysUnavailable } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import type { Readers } from './readers.js';

/** What people who read are told apart by. */
export interface ReadingPeopleDeps {
  readonly readers: Readers;
  readonly revocations: Revocations;
  /** Address of the authorization server, whose keys verify tokens; undefined where nobody can sign in. */
  readonly authServer: () => Promise<string | undefined>;
  readonly clock: Clock;
}

/** People who read with access tokens of their own for the gateway's API. */
export function readingPeople({ readers, revocations, authServer, clock }: ReadingPeopleDeps): People {
  let known: ApiTokens | undefined;
  const find = async (): Promise<ApiTokens | undefined> => {
    const publicUrl = readers.publicUrl();
    if (publicUrl === undefined || known?.publicUrl === publicUrl) return publicUrl === undefined ? undefined : known;
    const address = await authServer();
    if (address === undefined) return undefined;
    const jwksUrl = new URL('/oauth/jwks', address).href;
    return (known = {
      publicUrl,
      tokens: new AccessTokenVerifier({ issuer: publicUrl, jwksUrl, fetch: globalThis.fetch, clock }),
    });
  };
  const people = signedInPeople(find, revocations);
  return {
    ...people,
    identify: async (text) => {
      try {
        return await people.identify(text);
      } catch (error) {
        throw error instanceof KeysUnavailable ? cannotJudge() : error;
      }
    },
  };
}

function cannotJudge(): Problem {
  const detail = 'Access tokens cannot be verified at the moment, because the authorization server cannot be reached. Try again.';
  return new Problem(503, { reason: 'unavailable', detail, headers: { 'retry-after': '5' } });
}
