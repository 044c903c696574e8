import { findCredentialProblems } from './credential-checks.js';
import { headerProblems } from './header-checks.js';
import type { PlacedProblem } from './placed-problem.js';
import { holdsReference, indexOfSecretArgument, refuseSecretValue, unknownReferences } from './secret-reference.js';
import type { ParsedUpstreamEntry } from './upstream-schema.js';

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const HTTP_KEYS = ['headers', 'credential'] as const;
const STDIO_KEYS = ['args', 'cwd', 'env'] as const;

/** Everything about one upstream entry that its shape alone does not say. */
export function findUpstreamProblems(entry: ParsedUpstreamEntry): PlacedProblem[] {
  const transport = transportProblem(entry);
  if (transport) return [transport];
  return entry.url === undefined ? stdioProblems(entry) : httpProblems(entry, entry.url);
}

function transportProblem(entry: ParsedUpstreamEntry): PlacedProblem | undefined {
  if (entry.url !== undefined && entry.command !== undefined)
    return { path: ['command'], message: 'cannot stand beside url. Keep one of them.' };
  if (entry.url === undefined && entry.command === undefined) {
    return { path: [], message: 'needs url (a remote server) or command (a local one). Add one of them.' };
  }
  const kind = entry.url === undefined ? 'stdio' : 'http';
  if (entry.type && entry.type !== kind)
    return {
      path: ['type'],
      message: `says ${entry.type}, but the entry has ${kind === 'http' ? 'url' : 'command'}. Remove type.`,
    };
  const foreign = (kind === 'http' ? STDIO_KEYS : HTTP_KEYS).find((key) => entry[key] !== undefined);
  if (!foreign) return undefined;
  const hint = kind === 'stdio' ? 'A local command takes secrets from env' : 'A remote server takes headers and credential';
  return { path: [foreign], message: `cannot stand in an entry with ${kind === 'http' ? 'url' : 'command'}. ${hint}.` };
}

function httpProblems(entry: ParsedUpstreamEntry, url: string): PlacedProblem[] {
  const urlProblem = refuseUrl(url);
  return [
    ...(urlProblem ? [{ path: ['url'], message: urlProblem }] : []),
    ...Object.entries(entry.headers ?? {}).flatMap(([name, value]) => headerProblems(['headers', name], name, value)),
    ...(entry.credential ? findCredentialProblems(entry.credential, url, entry.headers ?? {}) : []),
  ];
}

function refuseUrl(text: string): string | undefined {
  if (holdsReference(text))
    return 'cannot hold a reference: it is shown in logs and lists. Put secrets into headers or credential.';
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an http or https URL. Write for example https://example.com/mcp.';
  if (url.username || url.password) return 'cannot hold a user or password. Put them into credential.';
  if (url.hash) return 'cannot hold a fragment (#…). Remove it.';
  return undefined;
}

function stdioProblems(entry: ParsedUpstreamEntry): PlacedProblem[] {
  const args = entry.args ?? [];
  const visible: [PropertyKey[], string][] = [
    [['command'], entry.command ?? ''],
    [['cwd'], entry.cwd ?? ''],
    ...args.map((argument, index): [PropertyKey[], string] => [['args', index], argument]),
  ];
  const secretArgument = indexOfSecretArgument(args);
  return [
    ...visible
      .filter(([, text]) => holdsReference(text))
      .map(([path]) => ({ path, message: 'cannot hold a reference: it would show in process lists. Put it into env.' })),
    ...(secretArgument < 0 || holdsReference(args[secretArgument] ?? '')
      ? []
      : [
          {
            path: ['args', secretArgument],
            message: 'gives a secret in clear text, which shows in process lists. Put it into env as a reference.',
          },
        ]),
    ...Object.entries(entry.env ?? {}).flatMap(([name, value]) => envProblems(name, value)),
  ];
}

function envProblems(name: string, value: string): PlacedProblem[] {
  const path = ['env', name];
  if (!ENV_NAME.test(name))
    return [{ path, message: 'is not the name of an environment variable. Use letters, digits and "_".' }];
  if (value.includes('\0')) return [{ path, message: 'holds a NUL character. Remove it.' }];
  const message = unknownReferences(value).length > 0 || value ? refuseSecretValue(name, value) : undefined;
  return message ? [{ path, message }] : [];
}
