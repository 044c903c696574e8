import { z } from 'zod';
import { compileCredential, type CredentialConfig, credentialSchema } from './credential-schema.js';
import { findUpstreamProblems } from './upstream-checks.js';

const headers = z.record(z.string(), z.string());

const entry = z.strictObject({
  type: z
    .enum(['http', 'stdio'], {
      error: 'must be "http" or "stdio". For a server of the older SSE transport, use its Streamable HTTP URL.',
    })
    .optional()
    .describe('How the upstream is reached. Not needed: `url` means http, `command` means stdio.'),
  url: z.string().optional().describe('Streamable HTTP endpoint of a remote MCP server.'),
  headers: headers.optional().describe('Header fields sent with every request to `url`. Secrets only as references.'),
  credential: credentialSchema.optional(),
  command: z.string().min(1).optional().describe('Program of a local MCP server that speaks over its standard input and output.'),
  args: z
    .array(z.string())
    .optional()
    .describe('Arguments of `command`. References are not replaced here: they would show in process lists.'),
  cwd: z.string().min(1).optional().describe("Working directory of `command`. Unless given: the gateway's own."),
  env: z
    .record(z.string(), z.string())
    .optional()
    .describe('Environment of `command`, which inherits nothing from the gateway. Secrets only as references.'),
  timeoutMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(60_000)
    .describe('Longest wait for the answer to one call, in milliseconds.'),
});

/** An upstream as people write it. */
export type UpstreamEntry = z.input<typeof entry>;

/** An upstream entry with defaults, before it is checked as a whole. */
export type ParsedUpstreamEntry = z.output<typeof entry>;

/** An upstream as the gateway uses it. Values of `headers` and `env` hold references, never resolved secrets. */
export type UpstreamConfig = HttpUpstream | StdioUpstream;

export interface HttpUpstream {
  readonly kind: 'http';
  readonly url: string;
  /** Fixed header fields, the credential's included. */
  readonly headers: Readonly<Record<string, string>>;
  /** What else it must be shown. */
  readonly credential?: CredentialConfig;
  readonly timeoutMs: number;
}

export interface StdioUpstream {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Empty: the gateway's own. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Schema of one entry under `upstreams`. */
export const upstreamSchema = entry
  .superRefine((value, context) => {
    for (const { path, message } of findUpstreamProblems(value)) context.addIssue({ code: 'custom', path, message });
  })
  .meta({ oneOf: [{ required: ['url'] }, { required: ['command'] }] })
  .transform(toUpstream);

function toUpstream(value: ParsedUpstreamEntry): UpstreamConfig {
  const { timeoutMs } = value;
  if (value.url !== undefined) {
    const { headers: own, ...more } = compileCredential(value.credential, value.url);
    return { kind: 'http', url: value.url, headers: { ...value.headers, ...own }, ...more, timeoutMs };
  }
  return {
    kind: 'stdio',
    command: value.command ?? '',
    args: value.args ?? [],
    cwd: value.cwd ?? '',
    env: value.env ?? {},
    timeoutMs,
  };
}
