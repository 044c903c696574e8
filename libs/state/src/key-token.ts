const limitBytes = 1024;

/**
 * A key or tenant as one token of a NATS subject: `.`, `*`, `>`, spaces and the empty text are safe in it.
 * @throws RangeError when it is longer than 1024 bytes in UTF-8
 */
export function keyToken(text: string): string {
  return `k${checkedBytes(text).toString('base64url')}`;
}

/** The text that keyToken encoded. */
export function textOfToken(token: string): string {
  return Buffer.from(token.slice(1), 'base64url').toString('utf8');
}

/** @throws RangeError when a key is longer than 1024 bytes in UTF-8 */
export function checkKey(key: string): string {
  checkedBytes(key);
  return key;
}

function checkedBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > limitBytes) throw new RangeError(`a key of ${bytes.length} bytes is longer than ${limitBytes}`);
  return bytes;
}
