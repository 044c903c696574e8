import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who is taken for the author of a configuration. */
export interface ConfigAuthor {
  readonly name: string;
  /** How that is known. */
  readonly knownBy: 'git' | 'owner';
  /** Git commit that the file is of. */
  readonly commit?: string;
}

const GIT_MS = 2_000;
/** Nothing that the repository configures is run. */
const GUARDED = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];

/**
 * Who wrote a file: the author of its last commit, where it stands as it was committed; else its owner. undefined where neither is known.
 * @param git program
 */
export async function authorOf(file: string, git = 'git'): Promise<ConfigAuthor | undefined> {
  return (await committer(file, git)) ?? (await owner(file));
}

async function committer(file: string, git: string): Promise<ConfigAuthor | undefined> {
  const options = { cwd: path.dirname(path.resolve(file)), timeout: GIT_MS };
  const name = path.basename(file);
  try {
    // Ends with 1 where the file is other than in the commit.
    await run(git, [...GUARDED, 'diff', '--quiet', '--no-ext-diff', '--no-textconv', 'HEAD', '--', name], options);
    const { stdout } = await run(git, [...GUARDED, 'log', '-1', '--format=%h %an <%ae>', '--', name], options);
    const [commit = '', ...author] = stdout.trim().split(' ');
    return author.length === 0 ? undefined : { name: author.join(' '), knownBy: 'git', commit };
  } catch {
    // No git, no repository, or one that is not to be trusted: all the same here.
    return undefined;
  }
}

async function owner(file: string): Promise<ConfigAuthor | undefined> {
  try {
    const { uid } = await stat(file);
    return { name: (await userName(uid)) ?? `uid ${uid}`, knownBy: 'owner' };
  } catch {
    return undefined;
  }
}

async function userName(uid: number): Promise<string | undefined> {
  const lines = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return lines
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid))?.[0];
}
