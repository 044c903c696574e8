import type { EventJson } from '@switchyard/contracts';

/** Tells an event in the words of a format. */
export interface Mapping {
  /** Media type of one text. */
  readonly contentType: string;
  /**
   * @param event as it is in the stream; fields that are empty are left out
   * @param line the bytes that it was read from, as text
   * @returns one line, without a line feed
   */
  map(event: EventJson, line: string): string;
}
