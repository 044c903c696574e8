import { registerHooks } from 'node:module';

// jest applies its module map to tests, not to this file: `./x.js` has to be told that it is `./x.ts`.
registerHooks({
  resolve: (specifier, context, next) =>
    next(context.parentURL?.includes('/libs/testing/src/') ? specifier.replace(/^(\.\/.*)\.js$/, '$1.ts') : specifier, context),
});

/** Starts the servers that all tests share and hands their addresses on through the environment. */
export default async function globalSetup(): Promise<void> {
  const { useQuickDir } = await import('./quick-dir.js');
  useQuickDir();
  const { startSharedServers } = await import('./shared-servers.js');
  await startSharedServers();
}
