// Nx plugin: every package in libs/ and services/ has the targets build, lint and test, without saying so itself.
import path from 'node:path';

const cached = (command, inputs, outputs = []) => ({
  executor: 'nx:run-commands',
  cache: true,
  inputs,
  outputs,
  options: { command, cwd: '{workspaceRoot}' },
});

function targets(dir) {
  return {
    build: cached(
      `node tools/build.mjs --package=${dir}`,
      ['default', '{workspaceRoot}/tools/build.mjs'],
      ['{projectRoot}/dist'],
    ),
    lint: cached(`eslint ${dir} && prettier --check ${dir}`, ['default', '^default', 'lintRules']),
    test: { ...cached(`jest ${dir}/ --passWithNoTests`, ['default', '^default', 'testRules']), dependsOn: [] },
  };
}

export const name = 'switchyard-targets';

export const createNodesV2 = [
  '{libs,services}/*/package.json',
  (files) =>
    files.map((file) => {
      const root = path.dirname(file);
      return [file, { projects: { [root]: { root, targets: targets(root) } } }];
    }),
];
