import { upstreamSettings } from '../upstream-oauth/upstream-settings.js';
import type { Kind } from './kind.js';

/** Each caller's own token of the upstream's authorization server (RFC 6749): what it is shown is a connection's, not a setting's. */
export const oauth: Kind = {
  problems: (settings) =>
    upstreamSettings.safeParse(settings).success
      ? []
      : ['the settings of the OAuth client cannot be used. Run the same version of all services.'],
  show: () => ({}),
};
