import { headerProblem } from '../header-problem.js';
import type { Kind } from './kind.js';

/** A header field: settings `name` and `value`. */
export const header: Kind = {
  problems: ({ name = '', value = '' }) => {
    const problem = headerProblem(name, value);
    return problem === undefined ? [] : [problem];
  },
  show: ({ name = '', value = '' }) => ({ headers: { [name]: value } }),
};
