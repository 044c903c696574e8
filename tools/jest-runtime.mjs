// How jest loads modules here: packages of npm once per worker, as Node itself loads them, and the code of this repository anew for every
// suite. All of it runs in the one context of the worker (jest-environment.mjs).
import JestRuntime from 'jest-runtime';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

/** Also what Node brings. Neither files, by path or URL, nor the packages of this repository. */
const isOfNpm = (name) =>
  name !== undefined && /^(node:|@?[a-z0-9][^:]*$)/i.test(name) && !name.startsWith('@switchyard/') && name !== '@jest/globals';

export default class SharedPackages extends JestRuntime {
  #requires = new Map();

  constructor(...args) {
    super(...args);
    const { injectedModuleParameters: names } = this.executor;
    this.executor.compile = (source, filename) => compileFunction(source, names, { filename });
  }

  requireModule(from, name, ...options) {
    return isOfNpm(name) ? this.#requireFrom(from)(name) : super.requireModule(from, name, ...options);
  }

  requireModuleOrMock(from, name) {
    return isOfNpm(name) ? this.#requireFrom(from)(name) : super.requireModuleOrMock(from, name);
  }

  /** Of jest itself, what runs tests is loaded for each suite; what compares and prints is shared. */
  requireInternalModule(from, name) {
    return isOfNpm(name) ? this.#requireFrom(from)(name) : super.requireInternalModule(from, name);
  }

  #requireFrom(file) {
    const known = this.#requires.get(file) ?? createRequire(file);
    this.#requires.set(file, known);
    return known;
  }
}
