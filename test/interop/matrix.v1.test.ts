import { describeMatrix } from './matrix.suite.js';

describeMatrix('v1');
