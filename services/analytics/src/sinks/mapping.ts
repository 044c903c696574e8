import type { ToldEvent } from './mappings/told-event.js';

/** Tells an event in the words of a format. */
export interface Mapping {
  /** Media type of one text. */
  readonly contentType: string;
  /**
   * @param event fields that are empty are left out
   * @param line the bytes that it was read from, as text
   * @returns one line, without a line feed
   */
  map(event: ToldEvent, line: string): string;
}
