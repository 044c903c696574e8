import { parseArgs } from 'node:util';

/** What a run is told. */
export interface ChaosOptions {
  readonly seeds: readonly number[];
  /** Whether all servers are strict. */
  readonly strict: boolean;
  /** How long faults are injected, for each seed. */
  readonly seconds: number;
  /** Calls that clients begin each second. */
  readonly rate: number;
  /** Whether the files of a seed are kept, whatever its verdict. */
  readonly keep: boolean;
  /** Whether small disks can be mounted here without anybody else seeing them. */
  readonly ownMounts: boolean;
}

const SEEDS = [11, 23, 47];
const SECONDS = 150;
const RATE = 200;

const OPTIONS = {
  seed: { type: 'string', multiple: true },
  strict: { type: 'boolean', default: false },
  seconds: { type: 'string', default: String(SECONDS) },
  rate: { type: 'string', default: String(RATE) },
  keep: { type: 'boolean', default: false },
  'own-mounts': { type: 'boolean', default: false },
} as const;

/** @throws Error where an argument is none of ours, or a number is none */
export function chaosOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  return {
    seeds: values.seed?.map((text) => wholeNumber('--seed', text, 0)) ?? SEEDS,
    strict: values.strict,
    seconds: wholeNumber('--seconds', values.seconds, 20),
    rate: wholeNumber('--rate', values.rate, 1),
    keep: values.keep,
    ownMounts: values['own-mounts'],
  };
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(`${name} takes a whole number of at least ${least}.`);
  return value;
}
