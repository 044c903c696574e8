import { parseDocument } from 'yaml';
import { insertText } from './insert-text.js';

/** One change of a YAML text. */
export interface TextChange {
  /** Where: keys from the root. Maps on the way are made where they are missing. */
  readonly path: readonly string[];
  /** What stands there afterwards; for `append`, the new last entry of the list there. */
  readonly value: unknown;
  readonly append?: boolean;
}

/**
 * Changes a well-formed YAML text and leaves everything else as it is: comments, order, quotes. Lines are added where that will do;
 * else spacing may be normalised.
 */
export function editConfigText(text: string, changes: readonly TextChange[]): string {
  return changes.reduce((edited, change) => insertText(edited, change) ?? rewriteText(edited, change), text);
}

function rewriteText(text: string, { path, value, append }: TextChange): string {
  const document = parseDocument(text);
  const node = document.createNode(value);
  // A key without a value is written for a section that is still empty.
  for (const part of path.map((_, length) => path.slice(0, length)))
    if (document.getIn(part) === null) document.setIn(part, document.createNode({}));
  if (append) document.addIn(path, node);
  else document.setIn(path, node);
  return document.toString({ lineWidth: 0, flowCollectionPadding: !/\[\S/.test(text) });
}
