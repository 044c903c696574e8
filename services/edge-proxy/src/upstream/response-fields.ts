/** Header fields of a response. */
export type Headers = Record<string, string | string[] | undefined>;

/** The media type of a response's body, without parameters; empty where there is none. */
export const mediaType = (headers: Headers) =>
  headers['content-type'] === 'application/json' ? 'application/json' : essence(headers);

const essence = (headers: Headers) =>
  String(headers['content-type'] ?? '')
    .split(';', 1)[0]!
    .trim()
    .toLowerCase();

/** How a response's body is coded. */
export const contentCoding = (headers: Headers) =>
  String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase();
