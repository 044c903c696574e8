import { ONE_OF_EACH_WAY } from './clients/account-clients.js';
import { describeOwnAccounts } from './connect-account.suite.js';
import { describeGateway } from './gateway.suite.js';
import { startCompose } from './targets/compose.js';

// Needs a container engine, so `npm test` leaves it out and `npm run e2e:compose` runs it.
describeGateway('docker compose', startCompose);
describeOwnAccounts('docker compose', startCompose, ONE_OF_EACH_WAY);
