import { describeGateway } from './gateway.suite.js';
import { browserSuite } from './suite/browser.suite.js';
import { startEmbedded } from './targets/embedded.js';

describeGateway('one process', startEmbedded, [browserSuite]);
