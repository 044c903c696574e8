// Lets Node run these files from their source: it strips the types, but does not look for x.ts where x.js is named.
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const tests = pathToFileURL(path.resolve(import.meta.dirname, '..')).href;
registerHooks({
  resolve: (specifier, context, next) => {
    const isOurs = context.parentURL?.startsWith(tests) && context.parentURL.endsWith('.ts');
    return next(isOurs ? specifier.replace(/^(\..*)\.js$/, '$1.ts') : specifier, context);
  },
});
