import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What references are resolved against. */
export interface ReferenceSource {
  readonly env: NodeJS.ProcessEnv;
  /** Folder that relative `${file:…}` paths start from. */
  readonly directory: string;
}

const REFERENCE = /\$\{([^}]*)\}/g;

/** Text whose references are resolved, or why one of them is not. */
export type Resolved = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

/** Replaces `${env:NAME}` and `${file:PATH}` in a text. A file's last line break is not part of its value. */
export function resolveReferences(text: string, source: ReferenceSource): Resolved {
  const problems: string[] = [];
  const resolved = text.replace(REFERENCE, (whole, body: string) => {
    const outcome = resolveOne(whole, body, source);
    if (!outcome.ok) problems.push(outcome.message);
    return outcome.ok ? outcome.text : '';
  });
  return problems[0] === undefined ? { ok: true, text: resolved } : { ok: false, message: problems[0] };
}

function resolveOne(whole: string, body: string, source: ReferenceSource): Resolved {
  const [kind, name] = [body.slice(0, body.indexOf(':')), body.slice(body.indexOf(':') + 1)];
  if (kind === 'env') return resolveEnv(name, source.env);
  if (kind === 'file') return resolveFile(name, source.directory);
  return { ok: false, message: `${whole} is not a reference that can be used here. Write \${env:NAME} or \${file:PATH}.` };
}

function resolveEnv(name: string, env: NodeJS.ProcessEnv): Resolved {
  const text = env[name];
  if (text) return { ok: true, text };
  return { ok: false, message: `environment variable ${name} is ${text === '' ? 'empty' : 'not set'}. Set it before starting.` };
}

function resolveFile(name: string, directory: string): Resolved {
  const file = path.resolve(directory, name);
  try {
    return { ok: true, text: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return { ok: false, message: `file ${file} cannot be read (${code}). Create it, or correct the path.` };
  }
}
