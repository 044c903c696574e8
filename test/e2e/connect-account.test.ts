import { APPS } from './clients/account-clients.js';
import { describeOwnAccounts } from './connect-account.suite.js';
import { startEmbedded } from './targets/embedded.js';

describeOwnAccounts('one process', startEmbedded, APPS);
