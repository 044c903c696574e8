import { hash } from 'node:crypto';

/** Length of a link: SHA-256 in base64url without padding. */
export const linkLength = 43;
const closing = '"}';

/** The last member of a line, with room for its link; takes the place of the closing brace. */
export const chainMember = `,"chain":"${'0'.repeat(linkLength)}${closing}`;

/** The link before the first line of an epoch. */
export function firstLink(emitter: string, epoch: number): string {
  return hash('sha256', `switchyard-audit-chain/1 ${emitter}/${epoch}`, 'base64url');
}

/**
 * Links one line to the line before it: SHA-256 of the line with the former link in the place of its own, so that the line says
 * everything that its link covers.
 * @param source where the line stands; its link is written into it
 * @param start where the JSON text begins
 * @param end behind its closing brace
 * @param previous link of the line before
 * @returns the line's own link
 */
export function writeLink(source: Buffer, start: number, end: number, previous: string): string {
  const place = end - closing.length - linkLength;
  source.write(previous, place, linkLength, 'latin1');
  const link = hash('sha256', source.subarray(start, end), 'base64url');
  source.write(link, place, linkLength, 'latin1');
  return link;
}

/**
 * The link that a line has, and the one that it should have.
 * @param line JSON text without its line feed
 * @param previous link of the line before
 * @returns undefined where the line does not end with a link
 */
export function readLink(line: Buffer, previous: string): { readonly written: string; readonly expected: string } | undefined {
  const place = line.length - closing.length - linkLength;
  const name = chainMember.slice(0, -linkLength - closing.length);
  if (place < name.length || line.toString('latin1', place - name.length, place) !== name) return undefined;
  const copy = Buffer.from(line);
  return { written: line.toString('latin1', place, place + linkLength), expected: writeLink(copy, 0, copy.length, previous) };
}

/** The link that a line was recorded with; undefined where it does not end with one. @param line JSON text without its line feed */
export function linkOf(line: string): string | undefined {
  return /,"chain":"([\w-]{43})"}$/.exec(line)?.[1];
}
