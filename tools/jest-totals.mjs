// A jest reporter: writes the totals of the run to the file that SWITCHYARD_TEST_TOTALS names.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './fetching.mjs';

const notRun = ['pending', 'skipped', 'todo', 'disabled'];

const skippedIn = (suite) =>
  suite.testResults
    .filter((test) => notRun.includes(test.status))
    .map((test) => `${path.relative(root, suite.testFilePath)}: ${test.fullName}`);

export default class Totals {
  onRunComplete(_contexts, results) {
    const totals = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.testResults.flatMap(skippedIn),
    };
    writeFileSync(process.env.SWITCHYARD_TEST_TOTALS, JSON.stringify(totals));
  }
}
