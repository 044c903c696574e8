import { parseDocument } from 'yaml';

/** One change of a YAML text. */
export interface TextChange {
  /** Where: keys from the root. Maps on the way are made where they are missing. */
  readonly path: readonly string[];
  /** What stands there afterwards; for `append`, the new last entry of the list there. */
  readonly value: unknown;
  readonly append?: boolean;
}

/**
 * Changes a well-formed YAML text and leaves everything else as it is: comments, order, quotes.
 * Spacing inside lines may be normalised.
 */
export function editConfigText(text: string, changes: readonly TextChange[]): string {
  const document = parseDocument(text);
  for (const { path, value, append } of changes) {
    const node = document.createNode(value);
    if (append) document.addIn(path, node);
    else document.setIn(path, node);
  }
  return document.toString({ lineWidth: 0 });
}
