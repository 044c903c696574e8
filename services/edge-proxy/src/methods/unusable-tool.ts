import { mirroredParameters } from '@switchyard/mcp';

/**
 * Why a client of the modern era must leave a tool out (MCP 2026-07-28, "x-mcp-header"); undefined where it need not.
 * Most tools mirror nothing: only text in which the annotation may stand, escaped or not, is parsed.
 * @param text JSON text of a tool that has passed the gate
 */
export function unusableTool(text: Buffer): string | undefined {
  if (!text.includes('x-mcp-header') && !text.includes('\\u')) return undefined;
  const { inputSchema } = JSON.parse(text.toString('utf8')) as { readonly inputSchema?: unknown };
  const found = mirroredParameters(inputSchema);
  return 'unusable' in found ? found.unusable : undefined;
}
