import { type CredentialParts, fixed } from './credential.js';
import type { ReferenceSources } from './references.js';
import { resolveTemplate, secretsOf } from './resolve-template.js';

const sources: ReferenceSources = {
  env: { TOKEN: 'from-env', EMPTY: '', BROKEN: 'two\nlines', NUL: 'a\0b' },
  files: {
    read: (name) =>
      Promise.resolve(name === 'token.txt' ? { ok: true, value: 'from-file' } : { ok: false, problem: 'cannot be read.' }),
  } as ReferenceSources['files'],
  secrets: {
    get: (name) =>
      Promise.resolve(
        name === 'billing'
          ? { state: 'intact', value: 'from-secret', version: 'v7' }
          : name === 'moved'
            ? { state: 'damaged', damage: 'altered' }
            : { state: 'absent' },
      ),
  },
};

const headers = (value: string, name = 'Authorization'): CredentialParts => fixed({ headers: { [name]: value }, env: {} });

describe('a template', () => {
  const resolved: [id: string, text: string, value: string][] = [
    ['plain', 'acme', 'acme'],
    ['env', '${env:TOKEN}', 'from-env'],
    ['file', '${file:token.txt}', 'from-file'],
    ['secret', 'Bearer ${secret:billing}', 'Bearer from-secret'],
    ['several', '${env:TOKEN}:${secret:billing}:${env:TOKEN}', 'from-env:from-secret:from-env'],
    ['dollar-patterns', '$& $1 ${env:TOKEN}', '$& $1 from-env'],
  ];
  it.each(resolved)('is filled: %s', async (_id, text, value) => {
    expect(await resolveTemplate(headers(text), sources)).toMatchObject({ ok: true, material: headers(value) });
  });

  const refused: [id: string, template: CredentialParts, sentence: RegExp][] = [
    [
      'env-missing',
      headers('${env:NOT_THERE}'),
      /\$\{env:NOT_THERE\} is not set in the token vault's environment\. Set NOT_THERE there/,
    ],
    ['env-empty', headers('${env:EMPTY}'), /\$\{env:EMPTY\} is empty/],
    ['env-prototype', headers('${env:toString}'), /\$\{env:toString\} is not set/],
    ['file-missing', headers('${file:gone.txt}'), /\$\{file:gone\.txt\} cannot be read/],
    [
      'secret-missing',
      headers('${secret:tracker}'),
      /\$\{secret:tracker\} is not stored\. Store it: PUT \/api\/v1\/secrets\/tracker/,
    ],
    ['secret-damaged', headers('${secret:moved}'), /\$\{secret:moved\} cannot be decrypted \(altered\)\. Store it again/],
    ['unknown-kind', headers('${vault:x}'), /\$\{vault:x\} is not a reference/],
    ['no-kind', headers('${TOKEN}'), /\$\{TOKEN\} is not a reference/],
    ['header-line-break', headers('${env:BROKEN}'), /header Authorization would hold characters/],
    ['header-name', headers('x', 'Bad Name'), /header Bad Name/],
    ['variable-nul', fixed({ headers: {}, env: { TOKEN: '${env:NUL}' } }), /variable TOKEN would hold a NUL/],
  ];
  it.each(refused)('is refused with a sentence that says what to do: %s', async (_id, template, sentence) => {
    const result = await resolveTemplate(template, sources);
    expect(result.ok ? [] : result.problems).toEqual([expect.stringMatching(sentence)]);
    expect(JSON.stringify(result)).not.toMatch(/two\\nlines|a\\u0000b/);
  });

  it('names every reference that has no value', async () => {
    const result = await resolveTemplate(
      fixed({ headers: { A: '${env:X1}', B: '${secret:x2}' }, env: { C: '${file:x3}' } }),
      sources,
    );
    expect(result.ok ? [] : result.problems).toHaveLength(3);
  });

  it('tells which versions of which secrets went into it, also where one is missing', async () => {
    const result = await resolveTemplate(headers('${secret:billing} ${secret:tracker}'), sources);
    expect([...result.secretVersions]).toEqual([
      ['billing', 'v7'],
      ['tracker', ''],
    ]);
  });

  it('tells which secrets it refers to', () => {
    expect(secretsOf(fixed({ headers: { A: '${secret:a} ${env:B}' }, env: { C: 'x${secret:c}' } }))).toEqual(['a', 'c']);
  });
});
