import {
  HOW_TO_REFERENCE,
  holdsReference,
  indexOfSecretArgument,
  refuseSecretValue,
  unknownReferences,
} from './secret-reference.js';
import type { ParsedUpstreamEntry } from './upstream-schema.js';

/** A problem of a value, placed below it. */
export interface PlacedProblem {
  readonly path: PropertyKey[];
  readonly message: string;
}

// RFC 9110 section 5.6.2 and 5.5.
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Header fields that the gateway itself writes on every request to an upstream.
const OWNED =
  /^(host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept|accept-encoding|mcp-.*|traceparent|tracestate|x-request-id|last-event-id)$/i;
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
    ...credentialProblems(entry),
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

function headerProblems(path: PropertyKey[], name: string, value: string): PlacedProblem[] {
  if (!FIELD_NAME.test(name)) return [{ path, message: 'is not a header field name. Use letters, digits and "-".' }];
  if (OWNED.test(name)) return [{ path, message: 'is written by the gateway itself. Remove it.' }];
  if (!FIELD_VALUE.test(value))
    return [{ path, message: 'holds characters that a header field cannot have, such as a line break. Remove them.' }];
  const message = refuseSecretValue(name, value);
  return message ? [{ path, message }] : [];
}

function credentialProblems({ credential, headers }: ParsedUpstreamEntry): PlacedProblem[] {
  if (!credential) return [];
  const name = credential.type === 'bearer' ? 'Authorization' : credential.name;
  const [key, text] =
    credential.type === 'bearer' ? (['token', credential.token] as const) : (['value', credential.value] as const);
  const twice = Object.keys(headers ?? {}).find((header) => header.toLowerCase() === name.toLowerCase());
  if (twice) return [{ path: ['headers', twice], message: 'is also what credential sends. Keep one of them.' }];
  const shape = headerProblems(['credential', key], name, text);
  if (shape.length > 0)
    return credential.type === 'header' && (!FIELD_NAME.test(name) || OWNED.test(name))
      ? shape.map((problem) => ({ ...problem, path: ['credential', 'name'] }))
      : shape;
  return holdsReference(text) ? [] : [{ path: ['credential', key], message: `is a secret in clear text. ${HOW_TO_REFERENCE}.` }];
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
