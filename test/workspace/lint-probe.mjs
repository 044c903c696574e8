// Lints texts as if they stood at given paths, with the workspace's own configuration.
// stdin: JSON array of { file, text }; stdout: JSON array of { ruleId, message }[], in the same order.
// A process of its own, because ESLint loads its configuration with a dynamic import, which jest's CommonJS runtime cannot do.
import { ESLint } from 'eslint';
import { text as readAll } from 'node:stream/consumers';
import path from 'node:path';
import tseslint from 'typescript-eslint';

const cwd = path.resolve(import.meta.dirname, '../..');
// The probed files do not exist, so there are no types to ask for.
const overrideConfig = [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }];
const eslint = new ESLint({ cwd, overrideConfig });
const probes = JSON.parse(await readAll(process.stdin));
const results = [];
for (const { file, text } of probes) {
  const [result] = await eslint.lintText(text, { filePath: path.join(cwd, file) });
  results.push(result.messages.map(({ ruleId, message }) => ({ ruleId, message })));
}
process.stdout.write(JSON.stringify(results));
