import { ONE_OF_EACH_WAY } from './clients/account-clients.js';
import { describeOwnAccounts } from './connect-account.suite.js';
import { startProcesses } from './targets/processes.js';

describeOwnAccounts('five processes on NATS', startProcesses, ONE_OF_EACH_WAY);
