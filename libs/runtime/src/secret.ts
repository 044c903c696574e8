import { inspect } from 'node:util';
import { z } from 'zod';

const MASK = '[secret]';

/** Text that must not be printed: JSON, string conversion and inspection show a mask. */
export class Secret {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static of(text: string): Secret {
    return new Secret(text);
  }

  /** The text itself. Call it only where it is used. */
  reveal(): string {
    return this.#text;
  }

  toJSON(): string {
    return MASK;
  }

  toString(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** A configuration value that becomes a Secret. */
export const secretText = z.string().min(1).transform(Secret.of);
