import { idJagSettings } from '../id-jag/id-jag-tokens.js';
import { clientCredentials } from './client-credentials.js';
import type { Kind } from './kind.js';

/** A token for whoever calls, for what their company says of them: made for each caller, so that settings alone show nothing. */
export const idJag: Kind = {
  problems: (settings) =>
    idJagSettings.safeParse(settings).success
      ? clientCredentials.problems(settings)
      : ['the settings of the ID-JAG cannot be used. Run the same version of all services.'],
  show: () => ({}),
};
