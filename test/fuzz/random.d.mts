/** Numbers from 0 up to 1. */
export type Random = () => number;
/** @param seed a 32-bit integer; the same one gives the same numbers */
export function randomFrom(seed: number): Random;
/** A whole number from 0 up to a limit. */
export function below(random: Random, limit: number): number;
export function pick<T>(random: Random, list: readonly T[]): T;
