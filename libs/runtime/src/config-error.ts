/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** File name, or whatever else names the source. */
  readonly file: string;
  /** Line and column, from 1, where the source is text. */
  readonly position?: SourcePosition | undefined;
  /** Where in the document, for example `servers.demo.sources[0].upstream`; empty for the document itself. */
  readonly path: string;
  /** What is wrong, and how to fix it. */
  readonly message: string;
}

/** A place in a text, both from 1. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** The configuration cannot be used. The message has one line per problem: `<file>:<line>:<col>: <path>: <what>. <how to fix>`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(describeProblem).join('\n'));
  }
}

function describeProblem({ file, position, path, message }: ConfigProblem): string {
  const place = position ? `${file}:${position.line}:${position.column}` : file;
  return path ? `${place}: ${path}: ${message}` : `${place}: ${message}`;
}

/** Path of a value in a document, as people write it. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const key = String(step);
    const written = /^[\w$-]+$/.test(key) ? key : JSON.stringify(key);
    return text ? `${text}.${written}` : written;
  }, '');
}
