export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Nearest rank. */
export const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.min(values.length - 1, Math.ceil(values.length * share) - 1))];

export const ms = (value) => `${value.toFixed(1)} ms`;
