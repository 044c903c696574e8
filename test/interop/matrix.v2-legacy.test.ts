import { describeMatrix } from './matrix.suite.js';

describeMatrix('v2-legacy');
