/** What is promised, where it comes within so many milliseconds; else undefined. */
export async function inTime<Value>(promise: Promise<Value> | undefined, timeoutMs: number): Promise<Value | undefined> {
  if (promise === undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
