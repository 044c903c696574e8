/** Stops the shared servers. The module is the one that the global set-up loaded: both run in one process. */
export default async function globalTeardown(): Promise<void> {
  const { stopSharedServers } = await import('./shared-servers.js');
  await stopSharedServers();
}
