import { FormOrigin } from './form-origin.js';
import { formTargets } from './form-targets.js';

const publicUrl = 'http://localhost:8080';
const forms = new FormOrigin('secret', publicUrl);
const token = forms.token('interaction-1');

describe('A8: forms that only our own pages can send', () => {
  it.each([
    ['a browser', 'interaction-1', token, { origin: publicUrl, 'sec-fetch-site': 'same-origin' }, true],
    ['a browser that says nothing of the origin', 'interaction-1', token, {}, true],
    ['no token', 'interaction-1', null, {}, false],
    ['token of another interaction', 'interaction-2', token, {}, false],
    ['token of another server', 'interaction-1', new FormOrigin('other', publicUrl).token('interaction-1'), {}, false],
    ['page of another origin', 'interaction-1', token, { origin: 'https://evil.example' }, false],
    ['page of another port', 'interaction-1', token, { origin: 'http://localhost:9999' }, false],
    ['sandboxed page', 'interaction-1', token, { origin: 'null' }, false],
    ['page of the same site', 'interaction-1', token, { 'sec-fetch-site': 'same-site' }, false],
    ['page of another site', 'interaction-1', token, { 'sec-fetch-site': 'cross-site' }, false],
  ])('%s', (_id, interaction, given, headers, ours) => {
    expect(forms.isOurs(interaction, given, headers)).toBe(ours);
  });
});

describe('where a form may lead', () => {
  it.each([
    ['https://claude.ai/cb', 'https://claude.ai'],
    ['http://127.0.0.1:5000/cb', 'http://127.0.0.1:5000'],
    ['http://[::1]:5000/cb', 'http:'],
    ['cursor://a/b', 'cursor:'],
  ])('%s → %s', (redirectUri, source) => {
    expect(formTargets(redirectUri)).toEqual([source]);
  });
});
