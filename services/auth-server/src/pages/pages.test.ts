import { companyPage } from './company-page.js';
import { consentPage, type ConsentPage } from './consent-page.js';
import { deviceConfirmPage, deviceEntryPage } from './device-pages.js';
import { html } from '@switchyard/pages';
import { signInPage } from './sign-in-page.js';

const attack = `<script>alert(1)</script>"' onload=x \`\${y}`;

const consent: ConsentPage = {
  person: 'ana@example.com',
  clientName: 'Claude',
  redirect: { kind: 'web', target: 'claude.ai' },
  server: { title: 'Work', url: 'https://mcp.example.com/mcp/work' },
  scopes: ['mcp'],
  guarded: [],
  staysConnected: true,
  action: '/oauth/interaction/abc',
  csrf: 'token',
  formTargets: [],
};

describe('A8: what clients and people say is text on our pages', () => {
  it('escapes every value', () => {
    expect(html`<p title="${attack}">${[attack, html`<b>${1}</b>`, undefined, false]}</p>`.toString()).toBe(
      '<p title="&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=x &#96;${y}">' +
        '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=x &#96;${y}<b>1</b></p>',
    );
  });

  it.each([
    ['consent', consentPage({ ...consent, clientName: attack, person: attack, server: { title: attack, url: attack } })],
    [
      'company sign-in',
      companyPage({
        ...consent,
        clientName: attack,
        destination: attack,
        providers: [{ name: attack, title: attack }],
        anew: true,
      }),
    ],
    ['sign-in', signInPage({ ...consent, clientName: attack, email: attack, error: attack })],
    ['device code', deviceEntryPage({ action: '/oauth/device', xsrf: attack, userCode: attack, wrong: true })],
    [
      'device confirmation',
      deviceConfirmPage({
        ...{ action: '/oauth/device', xsrf: attack, clientName: attack, server: attack, userCode: attack },
        origin: { address: attack, program: attack },
      }),
    ],
  ])('has no markup of others on the %s page', (_id, page) => {
    expect(page.body.toString()).not.toContain('<script');
    expect(page.body.toString()).not.toContain('" onload');
    expect(page.body.toString()).not.toContain('"\'');
  });

  it('says who asks, for which server, with which rights, and where the answer goes', () => {
    const text = consentPage(consent).body.toString();
    for (const fact of ['Claude', 'Work', 'https://mcp.example.com/mcp/work', 'claude.ai', 'ana@example.com', '30 days']) {
      expect(text).toContain(fact);
    }
  });

  it.each([
    ['web', 'claude.ai', false],
    ['loopback', '127.0.0.1:5000', true],
    ['private-scheme', 'cursor', true],
  ] as const)('A6: warns where the name proves nothing: %s', (kind, target, warns) => {
    const text = consentPage({ ...consent, redirect: { kind, target } }).body.toString();
    expect(text.includes('Approve only if')).toBe(warns);
    expect(text).toContain(target);
  });

  it.each([
    ['everything', ['mcp'], [], ['use what you may use there, in your name']],
    ['tools', ['mcp:tools'], [], ['use the tools that you may use there']],
    ['prompts and resources', ['mcp:prompts', 'mcp:resources'], [], ['use the prompts', 'read the resources']],
    ['what has a scope of its own', ['mcp', 'mcp:work:pay'], ['pay bills'], ['use what you may use there', 'pay bills']],
  ])('says scopes in words: %s', (_id, scopes, guarded, words) => {
    const items = [
      ...consentPage({ ...consent, scopes, guarded, staysConnected: false, redirect: { kind: 'loopback', target: 'l' } })
        .body.toString()
        .matchAll(/<li>(.*?)<\/li>/g),
    ];
    expect(items).toHaveLength(words.length);
    for (const [index, word] of words.entries()) expect(items[index]?.[1]).toContain(word);
  });

  it('says that development sign-in checks nothing', () => {
    expect(signInPage(consent).body.toString()).toContain('Nobody checks that this address is yours');
  });
});
