import { APPS } from './clients/account-clients.js';
import { describeOwnAccounts } from './connect-account.suite.js';
import { startProcesses } from './targets/processes.js';

// Apps tell gateways apart by nothing but the URL: one of each way in which somebody is asked to connect.
const ONE_OF_EACH_WAY = ['SDK v1 with URL elicitation', 'SDK v2 without URL elicitation'];

describeOwnAccounts(
  'five processes on NATS',
  startProcesses,
  APPS.filter(({ id }) => ONE_OF_EACH_WAY.includes(id)),
);
