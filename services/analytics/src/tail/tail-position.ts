/** How far a tail is in the stream of events: up to a line of a message, or, without one, up to all of it. */
export interface TailPosition {
  /** Which stream: another one has other positions. */
  readonly incarnation: string;
  /** Position of the message. */
  readonly sequence: number;
  /** Number of the line in it, from 1. */
  readonly line?: number;
}

const form = /^([0-9A-Za-z]{1,64})-(\d{1,15})(?:\.(\d{1,9}))?$/;

/** Writes a position as the id of an event of the HTML standard, "Server-sent events". */
export function writePosition({ incarnation, sequence, line }: TailPosition): string {
  return `${incarnation}-${sequence}${line === undefined ? '' : `.${line}`}`;
}

/** Reads such an id; undefined where it is none. */
export function readPosition(id: string): TailPosition | undefined {
  const [, incarnation, sequence, line] = form.exec(id) ?? [];
  if (incarnation === undefined) return undefined;
  return { incarnation, sequence: Number(sequence), ...(line === undefined ? {} : { line: Number(line) }) };
}
