import { hash } from 'node:crypto';
import { chainMember, linkLength } from './chain.js';

/** Lines of one epoch that were found to follow each other, as one message of the stream has them. */
export interface ChainRun {
  readonly tenant: string;
  /** `<emitter>/<epoch>`. */
  readonly chain: string;
  readonly first: number;
  readonly last: number;
  /** What is yet to be checked: whether the first line follows the one before it. */
  readonly firstLine: Buffer;
  /** Link of the last line. */
  readonly link: string;
}

const lineFeed = 0x0a;
// How every event begins. Names with escapes are rare, and their lines are checked one by one, from the database.
const head =
  /^\{"event_id":"([^"\\]+)\/(\d{1,15})\/(\d{1,15})","tenant":"([^"\\]+)","occurred_at":"[^"\\]{24}","emitter":"([^"\\]+)","epoch":"(\d{1,15})","sequence":"(\d{1,15})"/;
const headBytes = 1_024;
const timeLength = 24;
const linkName = chainMember.slice(0, chainMember.indexOf(':') + 2);
const linkEnd = '"}';

/**
 * Checks that each line follows the one before it. Only the lines of events that the database has taken are given to it: those have no
 * member twice.
 * @param data lines of one epoch, each with its line feed; the same bytes when it returns
 * @returns undefined where one does not follow, or cannot be told so cheaply
 */
export function chainRunOf(data: Buffer): ChainRun | undefined {
  const found = head.exec(data.toString('latin1', 0, headBytes));
  const [, name, epoch, first, tenant, emitter, sameEpoch, sameFirst] = found ?? [];
  if (name === undefined || name !== emitter || epoch !== sameEpoch || first !== sameFirst) return undefined;
  const begin = `{"event_id":"${name}/${epoch}/`;
  const middle = `","tenant":"${tenant}","occurred_at":"`;
  const rest = `","emitter":"${name}","epoch":"${epoch}","sequence":"`;
  const fixedLength = begin.length + middle.length + timeLength + rest.length + 1;
  let link = '';
  let sequence = Number(first) - 1;
  for (let start = 0; start < data.length;) {
    const feed = data.indexOf(lineFeed, start);
    const end = feed < 0 ? data.length : feed;
    const number = String((sequence += 1));
    const text = data.toString('latin1', start, start + fixedLength + 2 * number.length);
    const inMiddle = begin.length + number.length;
    const inRest = inMiddle + middle.length + timeLength;
    const isNext =
      text.startsWith(begin) &&
      text.startsWith(number, begin.length) &&
      text.startsWith(middle, inMiddle) &&
      text.startsWith(rest, inRest) &&
      text.startsWith(number, inRest + rest.length) &&
      text.endsWith('"');
    const place = end - linkEnd.length - linkLength;
    if (!isNext || place - linkName.length < start) return undefined;
    const member = data.toString('latin1', place - linkName.length, end);
    if (!member.startsWith(linkName) || !member.endsWith(linkEnd)) return undefined;
    const written = member.slice(linkName.length, -linkEnd.length);
    if (link !== '' && linkAfter(data, start, end, link) !== written) return undefined;
    link = written;
    start = end + 1;
  }
  const firstEnd = data.indexOf(lineFeed);
  const firstLine = Buffer.from(data.subarray(0, firstEnd < 0 ? data.length : firstEnd));
  return { tenant: utf8(tenant ?? ''), chain: `${utf8(name)}/${epoch}`, first: Number(first), last: sequence, firstLine, link };
}

const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('utf8');

let scratch = Buffer.alloc(64 * 1024);

/** The link that a line should have. Made in a copy: the line may be somebody else's, who is writing it somewhere. */
function linkAfter(data: Buffer, start: number, end: number, previous: string): string {
  const length = end - start;
  if (scratch.length < length) scratch = Buffer.alloc(2 * length);
  data.copy(scratch, 0, start, end);
  scratch.write(previous, length - linkEnd.length - linkLength, linkLength, 'latin1');
  return hash('sha256', scratch.subarray(0, length), 'base64url');
}
