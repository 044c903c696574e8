import { describeGateway } from './gateway.suite.js';
import { startProcesses } from './targets/processes.js';

describeGateway('five processes on NATS', startProcesses);
