import net from 'node:net';

/** A TCP way to a server that can be cut and mended. */
export interface CuttableWire extends AsyncDisposable {
  readonly url: string;
  /** Ends all connections, and takes no more. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** Lays one to a nats-server. */
export async function cuttableWire(url: string): Promise<CuttableWire> {
  const sockets = new Set<net.Socket>();
  const { hostname, port } = new URL(url);
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    near.pipe(far).pipe(near);
  });
  const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port: ownPort } = server.address() as net.AddressInfo;
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    sockets.forEach((socket) => socket.destroy());
    await closed;
  };
  const dispose = () => (server.listening ? cut() : Promise.resolve());
  return { url: `nats://127.0.0.1:${ownPort}`, cut, mend: () => listen(ownPort), [Symbol.asyncDispose]: dispose };
}
