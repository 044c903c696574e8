import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { ConfigError, type SourcePosition } from './config-error.js';

/** A YAML or JSON text that can tell where each of its values stands. */
export interface SourceText {
  readonly value: unknown;
  /** Where the value at `path` stands; where it is missing, its nearest container. */
  positionOf(path: readonly PropertyKey[]): SourcePosition;
  /** Where the key `path[-1]` itself stands. */
  keyPositionOf(path: readonly PropertyKey[]): SourcePosition;
}

/**
 * Reads YAML 1.2, of which JSON is a part.
 * @param file name used in error messages
 * @throws ConfigError for text that is not well-formed, duplicate keys and unknown tags included
 */
export function readSourceText(text: string, file: string): SourceText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw new ConfigError(
      faults.map((fault) => ({
        file,
        position: at(fault.pos[0]),
        path: '',
        message: `is not well-formed YAML: ${fault.message}`,
      })),
    );
  }
  return {
    value: toValue(document, file),
    positionOf: (path) => at(offsetOf(document, path, 'value')),
    keyPositionOf: (path) => at(offsetOf(document, path, 'key')),
  };
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new ConfigError([{ file, path: '', message: `is not usable YAML: ${error.message}` }]);
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, step] of path.entries()) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, step);
    if (!child) return offset;
    const wanted = index === path.length - 1 && part === 'key' ? child.key : child.value;
    offset = startOf(wanted) ?? startOf(child.key) ?? offset;
    node = child.value;
  }
  return offset;
}

function childOf(node: unknown, step: PropertyKey): { key: unknown; value: unknown } | undefined {
  if (isMap(node)) return node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
  if (isSeq(node)) return { key: node.items[Number(step)], value: node.items[Number(step)] };
  return undefined;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
