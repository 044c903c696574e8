// Lets a process run from the source: Node strips the types, but does not look for x.ts where x.js is named.
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const libs = pathToFileURL(path.resolve(import.meta.dirname, '../../../../libs')).href;
const own = pathToFileURL(path.resolve(import.meta.dirname, '..')).href;
registerHooks({
  resolve: (specifier, context, next) => {
    const from = context.parentURL ?? '';
    const isOurs = (from.startsWith(libs) || from.startsWith(own)) && from.endsWith('.ts');
    const inPackage = specifier.replace(/^(\..*)\.js$/, '$1.ts');
    return next(isOurs ? inPackage.replace(/^@switchyard\/([a-z-]+)$/, `${libs}/$1/src/index.ts`) : specifier, context);
  },
});
