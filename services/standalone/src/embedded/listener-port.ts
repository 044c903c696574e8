import { createServer, type AddressInfo } from 'node:net';

/**
 * Finds out whether a port can be listened on, before anything else is started.
 * @param port 0: any free one
 * @returns the port
 * @throws the listener's error, for example when the port is taken
 */
export async function probePort(host: string, port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const { port: found } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return found;
}

/** Whether a listener could not be opened, and why: the system's code. */
export function listenFailure(error: unknown): string | undefined {
  const isListen = error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'code' in error;
  return isListen ? String(error.code) : undefined;
}
