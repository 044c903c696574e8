// Generates docs/configuration.md and docs/switchyard.schema.json from the schemas that check configurations, docs/errors.md from the
// edge's refusal table, docs/compatibility.md from what the interop matrix asserts, and docs/events.md and the catalogue in proto/ from
// tools/event-catalogue.mjs; after a change of that one, `npm run proto`.
// The dashboards and rules of deploy/grafana come from tools/observability.mjs.
//   node tools/docs.mjs [--check]     --check writes nothing and fails when a file is not what it would write
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import prettier from 'prettier';

const root = path.resolve(import.meta.dirname, '..');
const check = process.argv.includes('--check');

execFileSync(process.execPath, [path.join(root, 'tools/build.mjs'), '--quiet'], { stdio: 'inherit' });
// Imported after the build, so that they are what it made.
const { gatewayJsonSchema } = await import('@switchyard/gateway-config');
const { compatibilityPage } = await import('./compatibility-page.mjs');
const { configurationPage } = await import('./configuration-page.mjs');
const { errorsPage } = await import('./errors-page.mjs');
const { catalogueProto, eventsPage } = await import('./event-catalogue.mjs');
const { observabilityFiles } = await import('./observability.mjs');

const schemaFile = path.join(root, 'docs/switchyard.schema.json');
const style = await prettier.resolveConfig(schemaFile);
const outputs = [
  [schemaFile, await prettier.format(JSON.stringify(gatewayJsonSchema()), { ...style, parser: 'json' })],
  [path.join(root, 'docs/configuration.md'), await configurationPage()],
  [path.join(root, 'docs/errors.md'), errorsPage()],
  [path.join(root, 'docs/compatibility.md'), compatibilityPage()],
  [path.join(root, 'docs/events.md'), await prettier.format(eventsPage(), { ...style, parser: 'markdown' })],
  [path.join(root, 'proto/switchyard/events/v1/catalogue.proto'), catalogueProto()],
];

const grafana = observabilityFiles().map(async ([name, text]) => {
  const file = path.join(root, 'deploy/grafana', name);
  const options = await prettier.resolveConfig(file);
  return [file, await prettier.format(text, { ...options, filepath: file })];
});
outputs.push(...(await Promise.all(grafana)));

async function isCurrent([file, text]) {
  return existsSync(file) && (await readFile(file, 'utf8')) === text;
}

const stale = [];
for (const output of outputs) if (!(await isCurrent(output))) stale.push(output);

for (const [file, text] of stale) {
  const name = path.relative(root, file);
  if (!check) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  console.log(check ? `docs: ${name} is not what its sources say; run "npm run docs"` : `docs: ${name} written`);
}
if (check && stale.length > 0) process.exitCode = 1;
