/** The spool takes no more: it is at its cap, or its disk refuses writes. Nothing of the event was kept. */
export class SpoolFull extends Error {
  override readonly name = 'SpoolFull';
}
