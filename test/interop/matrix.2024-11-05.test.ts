import { describeMatrix } from './matrix.suite.js';

describeMatrix('2024-11-05');
