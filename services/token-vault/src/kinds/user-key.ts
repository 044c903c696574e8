import { keySettings } from '../user-key/key-settings.js';
import type { Kind } from './kind.js';

/** Each caller's own key, which they enter: what is shown of it is a connection's, not a setting's. */
export const userKey: Kind = {
  problems: (settings) =>
    keySettings.safeParse(settings).success
      ? []
      : ['the settings of people’s keys cannot be used. Run the same version of all services.'],
  show: () => ({}),
};
