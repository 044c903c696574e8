/** All that the peers of one call may be given for answering what its upstream asks them. */
const ASKING_LIMIT_MS = 30 * 60_000;

/** Most that an upstream may ask within one call: each question costs an answer, wanted or not. */
export const MOST_ASKED = 256;

/** What has run out. */
export type TimeOver = 'silent' | 'over';

/** The same in words, behind the upstream's name. */
export const inWords = (
  what: TimeOver,
  { timeoutMs, limitMs }: { readonly timeoutMs: number; readonly limitMs?: number | undefined },
) => (what === 'silent' ? `did not answer within ${timeoutMs} ms` : `was not done within ${limitMs ?? timeoutMs} ms`);

/**
 * The time that an upstream has for a call: so much silence at a time, and so much in all. While somebody is being asked on its behalf,
 * neither runs: how long a person takes is not the upstream's doing.
 */
export class CallTime {
  readonly #timeoutMs: number;
  readonly #isExcused: () => boolean;
  readonly #onOver: (what: TimeOver) => void;
  #silence: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  /** What is left while it does not run. */
  #leftMs: number | undefined;
  #askingLeftMs = ASKING_LIMIT_MS;
  #sinceMs = performance.now();
  #asking = 0;
  #asked = 0;
  #stopped = false;

  /**
   * Begins with the silence. @param onOver called at most once
   * @param isExcused whether silence is not the upstream's fault just now, to be looked at only when it has lasted
   */
  constructor(timeoutMs: number, onOver: (what: TimeOver) => void, isExcused: () => boolean = () => false) {
    this.#timeoutMs = timeoutMs;
    this.#onOver = onOver;
    this.#isExcused = isExcused;
    this.heard();
  }

  /** Bounds the whole as well. Has an effect once. @param leftMs from now on */
  bound(leftMs: number | undefined): void {
    if (leftMs === undefined || this.#leftMs !== undefined || this.#stopped) return;
    this.#leftMs = leftMs;
    if (this.#asking === 0) this.#run();
  }

  /** Whether the upstream has asked as much as it may. */
  get hasAskedEnough(): boolean {
    return this.#asked >= MOST_ASKED;
  }

  /** The upstream has said something. */
  heard(): void {
    if (this.#asking > 0 || this.#stopped) return;
    if (this.#silence !== undefined) this.#silence.refresh();
    else this.#silence = setTimeout(() => this.#silent(), this.#timeoutMs);
  }

  /** Nobody listens to the upstream just now; until something is heard again. */
  deaf(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  /** Somebody is being asked, until the returned function is called. */
  asking(): () => void {
    this.#asked += 1;
    this.#asking += 1;
    if (this.#asking === 1 && !this.#stopped) this.#hold();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#asking -= 1;
      if (this.#asking === 0 && !this.#stopped) this.#goOn();
    };
  }

  /** Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.deaf();
    clearTimeout(this.#limit);
  }

  #hold(): void {
    this.deaf();
    clearTimeout(this.#limit);
    const now = performance.now();
    if (this.#leftMs !== undefined) this.#leftMs -= now - this.#sinceMs;
    this.#sinceMs = now;
    this.#limit = setTimeout(() => this.#over('over'), this.#askingLeftMs);
  }

  #goOn(): void {
    clearTimeout(this.#limit);
    this.#askingLeftMs -= performance.now() - this.#sinceMs;
    this.heard();
    if (this.#leftMs !== undefined) this.#run();
  }

  #run(): void {
    this.#sinceMs = performance.now();
    this.#limit = setTimeout(() => this.#over('over'), Math.max(this.#leftMs ?? 0, 1));
  }

  #silent(): void {
    if (this.#isExcused()) this.#silence?.refresh();
    else this.#over('silent');
  }

  #over(what: TimeOver): void {
    this.stop();
    this.#onOver(what);
  }
}
