import type { JWK } from 'jose';
import { z } from 'zod';
import { CHAIN_FAULTS, ChainCheck, type ChainHead } from './chain-check.js';
import { firstLink } from './chain.js';
import { checkpointDigest, headsOf, readCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { DeletedRanges } from './deleted-ranges.js';
import { readRetentionRecord, type RetentionRecord } from './retention-record.js';

/** First line of an export. */
export const exportHeader = z.strictObject({
  switchyard_audit_export: z.literal(1),
  /** Checkpoints that follow, one a line. */
  checkpoints: z.int().positive(),
  /** Whether it has everything from the first record on; else what was recorded behind its first checkpoint. */
  from_the_beginning: z.boolean(),
  /** Records of what retention has deleted, one a line behind the checkpoints; absent where there are none. */
  retention: z.int().positive().optional(),
});

export type ExportHeader = z.output<typeof exportHeader>;

/** Line of a checkpoint. */
export const exportCheckpoint = z.strictObject({ checkpoint: z.string() });

/** Line of a record of retention. */
export const exportRetention = z.strictObject({ retention: z.string() });

/** Last line of an export. */
export const exportEnd = z.strictObject({ end: z.strictObject({ events: z.int().nonnegative() }) });

/** An export that is what was recorded. */
export interface VerifiedExport {
  readonly ok: true;
  readonly events: number;
  readonly epochs: number;
  readonly checkpoints: number;
  /** Records that are not there because retention has deleted them, as it has signed. */
  readonly deleted: number;
  /** When the first and the last checkpoint were signed. */
  readonly from: string;
  readonly until: string;
}

/** The first thing in an export that is not as it was recorded. */
export interface BrokenExport {
  readonly ok: false;
  /** In the export, from 1. */
  readonly line: number;
  /** The first bad record; empty where it is no record that is bad. */
  readonly eventId: string;
  readonly sentence: string;
}

const broken = (line: number, eventId: string, sentence: string): BrokenExport => ({ ok: false, line, eventId, sentence });

/** What verification trusts; nothing in the export itself is. */
export interface Trust {
  /** Public keys of checkpoints, Ed25519 JWKs. */
  readonly keys: readonly JWK[];
  /** Checkpoints that were copied elsewhere when they were signed, where there are such: what was signed again later shows. */
  readonly copies: readonly string[];
}

/**
 * Verifies an export of the audit trail: that every record is as it was recorded, in order, none missing and none added, up to what was
 * signed. Needs no service.
 * @param lines of the export, without line feeds
 */
export async function verifyExport(lines: AsyncIterable<Buffer>, trust: Trust): Promise<VerifiedExport | BrokenExport> {
  const reader = lines[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await reader.next();
    return done === true ? undefined : value;
  };
  const header = exportHeader.safeParse(jsonOf(await next()));
  if (!header.success) return broken(1, '', 'This is no export of an audit trail: its first line says something else.');
  const checkpoints = await readCheckpoints(next, header.data.checkpoints, trust);
  if ('ok' in checkpoints) return checkpoints;
  const signed = signedHeads(checkpoints);
  const records = await readRecords(next, { header: header.data, signed, trust });
  if ('ok' in records) return records;
  return verifyEvents(next, { header: header.data, checkpoints, signed, deleted: new DeletedRanges(records) });
}

type Next = () => Promise<Buffer | undefined>;

/** What is wrong with a line that has not the form that its place asks for. */
const notThat = (bytes: Buffer | undefined, what: string) =>
  bytes === undefined
    ? `The export is cut off: a ${what} was to come.`
    : `This line is no ${what}, and the first line says that one stands here: the export was cut off or changed.`;

async function readCheckpoints(next: Next, count: number, trust: Trust): Promise<SignedCheckpoint[] | BrokenExport> {
  const copies = await copiesByNumber(trust);
  const found: SignedCheckpoint[] = [];
  for (let line = 2; line < count + 2; line++) {
    const bytes = await next();
    const parsed = exportCheckpoint.safeParse(jsonOf(bytes));
    if (!parsed.success) return broken(line, '', notThat(bytes, 'checkpoint'));
    const checkpoint = await readCheckpoint(parsed.data.checkpoint, trust.keys);
    if (checkpoint === undefined) return broken(line, '', 'This checkpoint was not signed with the given key.');
    const fault = misplaced(checkpoint, found.at(-1)) ?? differing(checkpoint, copies);
    if (fault !== undefined) return broken(line, '', fault);
    found.push(checkpoint);
  }
  const lastNumber = found.at(-1)?.number ?? 0;
  const later = [...copies.values()].find(({ number, previous }) => number === lastNumber + 1 && previous !== digestAt(found));
  return later ? broken(count + 1, '', `The copy of checkpoint ${later.number} does not follow this one.`) : found;
}

const digestAt = (found: readonly SignedCheckpoint[]) => checkpointDigest(found.at(-1)?.jws ?? '');

async function copiesByNumber({ copies, keys }: Trust): Promise<Map<number, SignedCheckpoint>> {
  const read = await Promise.all(copies.map((jws) => readCheckpoint(jws, keys)));
  return new Map(read.flatMap((copy) => (copy === undefined ? [] : [[copy.number, copy]])));
}

function misplaced({ number, previous, heads }: SignedCheckpoint, before: SignedCheckpoint | undefined): string | undefined {
  if (before === undefined) return undefined;
  if (number !== before.number + 1) return `Checkpoint ${number} stands behind checkpoint ${before.number}.`;
  if (previous !== checkpointDigest(before.jws)) return `Checkpoint ${number} does not follow the checkpoint before it.`;
  const shrunk = Object.entries(heads).find(([chain, [sequence]]) => sequence < (before.heads[chain]?.[0] ?? 0));
  return shrunk && `Checkpoint ${number} says less of ${shrunk[0]} than the checkpoint before it.`;
}

function differing({ number, jws }: SignedCheckpoint, copies: ReadonlyMap<number, SignedCheckpoint>): string | undefined {
  const copy = copies.get(number);
  return copy === undefined || copy.jws === jws ? undefined : `Checkpoint ${number} is another one than its copy.`;
}

/** The heads that are signed, by epoch and sequence. */
function signedHeads(checkpoints: readonly SignedCheckpoint[]): Map<string, Map<number, string>> {
  const signed = new Map<string, Map<number, string>>();
  for (const checkpoint of checkpoints)
    for (const [chain, { sequence, link }] of headsOf(checkpoint)) {
      const ofChain = signed.get(chain) ?? new Map<number, string>();
      signed.set(chain, ofChain.set(sequence, link));
    }
  return signed;
}

type SignedHeads = ReadonlyMap<string, ReadonlyMap<number, string>>;

async function readRecords(
  next: Next,
  { header, signed, trust }: { readonly header: ExportHeader; readonly signed: SignedHeads; readonly trust: Trust },
): Promise<RetentionRecord[] | BrokenExport> {
  const found: RetentionRecord[] = [];
  const before = header.checkpoints + 1;
  for (let line = before + 1; line <= before + (header.retention ?? 0); line++) {
    const bytes = await next();
    const parsed = exportRetention.safeParse(jsonOf(bytes));
    if (!parsed.success) return broken(line, '', notThat(bytes, 'record of retention'));
    const record = await readRetentionRecord(parsed.data.retention, trust.keys);
    if (record === undefined) return broken(line, '', 'This record of retention was not signed with the given key.');
    const chain = contradicted(record, signed);
    if (chain !== undefined)
      return broken(line, '', `This record of retention says something else of ${chain} than what was signed.`);
    found.push(record);
  }
  return found;
}

/** The chain of which a record says other links than checkpoints do. */
function contradicted({ ranges }: RetentionRecord, signed: SignedHeads): string | undefined {
  const differs = (chain: string, sequence: number, link: string) =>
    link !== '' && (signed.get(chain)?.get(sequence) ?? link) !== link;
  const found = Object.entries(ranges).find(([chain, of]) =>
    of.some(([first, last, before, link]) => differs(chain, first - 1, before) || differs(chain, last, link)),
  );
  return found?.[0];
}

interface Verifying {
  readonly header: ExportHeader;
  readonly checkpoints: readonly SignedCheckpoint[];
  readonly signed: SignedHeads;
  readonly deleted: DeletedRanges;
}

async function verifyEvents(next: Next, verifying: Verifying): Promise<VerifiedExport | BrokenExport> {
  const { header, checkpoints, signed, deleted } = verifying;
  const first = checkpoints[0]!;
  if (header.from_the_beginning && first.number !== 1) return broken(1, '', 'The first checkpoints of the trail are missing.');
  const check = new ChainCheck(header.from_the_beginning ? undefined : headsOf(first), deleted);
  let line = checkpoints.length + (header.retention ?? 0) + 2;
  let events = 0;
  for (let bytes = await next(); ; bytes = await next(), line++) {
    if (bytes === undefined) return broken(line, '', 'The export is cut off: its last line is missing.');
    const end = exportEnd.safeParse(bytes.length < 64 ? jsonOf(bytes) : undefined);
    if (end.success) return ended({ ...verifying, line, events, said: end.data.end.events, check });
    const fault = check.next(bytes);
    if (fault) return broken(line, fault.eventId, sentenceOf(fault));
    const forged =
      check.latest !== undefined && isForged(signed.get(check.latest.chain), check.latest.sequence, check.latest.link);
    if (forged)
      return broken(
        line,
        `${check.latest.chain}/${check.latest.sequence}`,
        'This record, or one before it, is not what was signed.',
      );
    events += 1;
  }
}

const isForged = (signed: ReadonlyMap<number, string> | undefined, sequence: number, link: string) =>
  (signed?.get(sequence) ?? link) !== link;

interface Ended extends Verifying {
  readonly line: number;
  readonly events: number;
  /** How many events the export says that it has. */
  readonly said: number;
  readonly check: ChainCheck;
}

function ended({ line, events, said, check, checkpoints, signed, deleted }: Ended): VerifiedExport | BrokenExport {
  const first = checkpoints[0]!;
  const last = checkpoints.at(-1)!;
  // Also of epochs that later checkpoints leave out, because they are long over.
  for (const [chain, heads] of signed) {
    const covered = greatest(heads.keys());
    const head = check.heads.get(chain) ?? beginningOf(chain);
    const reached = head.sequence < covered ? (deleted.behind(chain, head) ?? head) : head;
    if (reached.sequence < covered)
      return broken(line, `${chain}/${reached.sequence + 1}`, `Records are missing up to ${chain}/${covered}.`);
  }
  for (const [chain, { sequence }] of check.heads) {
    const covered = greatest(signed.get(chain)?.keys() ?? []);
    if (sequence > covered) return broken(line, `${chain}/${covered + 1}`, 'No checkpoint covers this record.');
  }
  if (events !== said) return broken(line, '', `The export says that it holds ${said} records, and holds ${events}.`);
  const counted = { events, epochs: check.heads.size, checkpoints: checkpoints.length, deleted: deleted.passed };
  return { ok: true, ...counted, from: first.at, until: last.at };
}

/** Of more numbers than a call can have arguments. */
function greatest(numbers: Iterable<number>): number {
  let found = 0;
  for (const number of numbers) if (number > found) found = number;
  return found;
}

/** Before the first record of a chain. */
function beginningOf(chain: string): ChainHead {
  const slash = chain.lastIndexOf('/');
  return { sequence: 0, link: firstLink(chain.slice(0, slash), Number(chain.slice(slash + 1))) };
}

function sentenceOf({ kind, missing }: NonNullable<ReturnType<ChainCheck['next']>>): string {
  const which = missing === undefined ? '' : ` (${missing.first} to ${missing.last})`;
  return `This record ${CHAIN_FAULTS[kind]}${which}.`;
}

function jsonOf(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse(bytes?.toString() ?? '');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
