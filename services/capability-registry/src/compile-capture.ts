import type { MessageInitShape } from '@bufbuild/protobuf';
import { CaptureMode, type SnapshotSchema } from '@switchyard/contracts';
import type { GatewayConfig, ServerConfig } from '@switchyard/gateway-config';

type ServerInit = NonNullable<MessageInitShape<typeof SnapshotSchema>['servers']>[number];
type CaptureInit = Required<Pick<ServerInit, 'capture'>>['capture'];

interface Captured {
  readonly capture: GatewayConfig['audit']['capture'];
  readonly clear: readonly string[];
  readonly clearResult: readonly string[];
}

const MODES = {
  metadata: CaptureMode.UNSPECIFIED,
  redacted: CaptureMode.REDACTED,
  full: CaptureMode.FULL,
} as const;

/** What is captured of a server's calls; nothing where that is nothing, so that edges look at it no further. */
export function compileCapture(
  { audit }: ServerConfig,
  { audit: { capture, captureLimitBytes } }: GatewayConfig,
): Pick<ServerInit, 'capture' | 'captureRules'> {
  const own = { ...audit, capture: audit.capture ?? capture };
  const captures = [own, ...audit.captureRules].some((each) => each.capture !== 'metadata');
  if (!captures) return {};
  const compile = ({ capture: mode, clear, clearResult }: Captured): CaptureInit => ({
    mode: MODES[mode],
    clear: [...clear],
    clearResult: [...clearResult],
    limitBytes: captureLimitBytes,
  });
  return {
    capture: compile(own),
    captureRules: audit.captureRules.map(({ tools, prompts, resources, ...rule }) => ({
      tools,
      prompts,
      resources,
      capture: compile(rule),
    })),
  };
}
