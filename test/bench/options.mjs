const text = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};

/** A number given on the command line as `--name N`. */
export const option = (name, fallback) => Number(text(name) ?? fallback);

/** A text given on the command line as `--name TEXT`. */
export const textOption = (name, fallback) => text(name) ?? fallback;
