import { type Capture, CaptureMode, type Server } from '@switchyard/contracts';
import { compilePatterns } from '@switchyard/mcp';
import type { CapabilityKind } from '../catalog.js';
import { compileFieldPaths, type FieldPaths } from './field-paths.js';

/** What is kept of a call. */
export interface CapturePlan {
  readonly mode: 'redacted' | 'full';
  /** Most bytes of each part. */
  readonly limitBytes: number;
  readonly clear: FieldPaths;
  readonly clearResult: FieldPaths;
}

/** What is kept of which calls on a server; undefined: nothing. Names are those that access rules know. */
export type CompiledCapture = (kind: CapabilityKind, name: string) => CapturePlan | undefined;

/** Compiles what of a server's calls is kept; undefined where that is nothing, so that calls pay one comparison. */
export function compileCapture({ capture, captureRules }: Pick<Server, 'capture' | 'captureRules'>): CompiledCapture | undefined {
  if (capture === undefined) return undefined;
  const usual = planOf(capture);
  const rules = captureRules.map(({ tools, prompts, resources, capture: own }) => ({
    covers: { tool: compilePatterns(tools), prompt: compilePatterns(prompts), resource: compilePatterns(resources) },
    plan: own && planOf(own),
  }));
  if (usual === undefined && rules.every(({ plan }) => plan === undefined)) return undefined;
  return (kind, name) => {
    const rule = rules.find(({ covers }) => covers[kind](name));
    return rule === undefined ? usual : rule.plan;
  };
}

function planOf({ mode, clear, clearResult, limitBytes }: Capture): CapturePlan | undefined {
  if (mode === CaptureMode.UNSPECIFIED) return undefined;
  return {
    // A mode of a later version shows no more than this one knows how to.
    mode: mode === CaptureMode.FULL ? 'full' : 'redacted',
    limitBytes,
    clear: compileFieldPaths(clear),
    clearResult: compileFieldPaths(clearResult),
  };
}
