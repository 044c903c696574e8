// The order of jest's suites: what takes minutes begins first, so that no worker is left with it in the end. Where jest has run before it
// knows how long each took. Else, as in a fresh clone, it goes by the length of files, and whole gateways start from files with one line.
import Sequencer from '@jest/test-sequencer';
import path from 'node:path';
import { root } from './fetching.mjs';

const FIRST = [
  /^services\/standalone\//,
  /^test\/(e2e|workspace|canary|interop)\//,
  /^services\/(analytics|token-vault)\/.*\.int\.test/,
  /\.int\.test/,
];

const placeOf = ({ path: file }) => {
  const at = FIRST.findIndex((pattern) => pattern.test(path.relative(root, file)));
  return at < 0 ? FIRST.length : at;
};

export default class SlowestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isKnown = sorted.some(({ duration }) => duration !== undefined);
    return isKnown ? sorted : sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
