/** How a sink is. */
export interface SinkStatus {
  readonly name: string;
  readonly type: string;
  /** `standby`: another replica serves it. */
  readonly state: 'ok' | 'failing' | 'standby';
  /** Why it fails; empty while it does not. */
  readonly reason: string;
  /** Batches of the stream that it has yet to be sent. */
  readonly backlog: number;
  /** Age of the oldest event that it has yet to take, milliseconds; 0 where it has all. */
  readonly oldestMs: number;
  /** Since this process serves it. */
  readonly delivered: number;
  readonly refused: number;
  readonly dropped: number;
}
