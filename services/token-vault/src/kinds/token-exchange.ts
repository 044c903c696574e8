import { exchangeSettings } from '../token-exchange/exchanged-tokens.js';
import { clientCredentials } from './client-credentials.js';
import type { Kind } from './kind.js';

/** A token for whoever calls, in exchange for what is stated of them: made for each caller, so that settings alone show nothing. */
export const tokenExchange: Kind = {
  problems: (settings) =>
    exchangeSettings.safeParse(settings).success
      ? clientCredentials.problems(settings)
      : ['the settings of the token exchange cannot be used. Run the same version of all services.'],
  show: () => ({}),
};
