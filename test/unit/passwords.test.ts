/** Which passwords and addresses are taken, and how much hashing runs at once. */
import * as assert from 'uvu/assert';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { normaliseEmail } from '../../src/core/email.ts';
import { createTurnstile } from '../../src/core/turnstile.ts';
import { passwordFault } from '../../src/domain/auth/password-policy.ts';
import { suite } from '../support/suite.ts';

const policy = suite('password policy');
for (const password of ['copper-lantern-27-orbit', 'velvet-harbour-61-quartz', 'correct horse battery staple', 'a long enough passphrase', 'kJ8#mQ2$vL5n', 'пароль-и-ещё-слова', '😀😁😂🤣😃😄😅😆😉😊😋😎']) {
  policy(`takes '${password}'`, () => assert.is(passwordFault(password, 'ada@example.com'), null));
}
for (const [password, why] of [
  ['short-pass1', /at least 12/], ['😀😁😂🤣😃😄', /at least 12/], ['x'.repeat(257), /at most 256/], ['x'.repeat(1024 * 1024), /at most 256/],
  ['aaaaaaaaaaaaaa', /pattern/], ['abcabcabcabcab', /pattern/], ['            ', /pattern/], ['ＡＡＡＡＡＡＡＡＡＡＡＡ', /pattern/],
  ['123456789012', /run/], ['abcdefghijklm', /run/], ['qwertyuiopas', /run/], ['lkjhgfdsapoiuytrewq', /run/], ['zyxwvutsrqpon', /run/],
  ['481516234242', /digits/], ['4815 1623 4242', /digits/],
  ['password1234', /common/], ['Password12345!', /common/], ['P@ssw0rd2026!!', /common/], ['passwordpassword', /common/], ['!!welcome2026!!', /common/], ['Adm1n1strator!', /common/],
  ['1q2w3e4r5t6y', /common/], ['1QAZ2WSX3EDC', /common/], ['qwerty123456', /common/], ['iloveyou12345', /common/], ['ｐａｓｓｗｏｒｄ１２３４', /common/], ['l3tm31n-2026-!!', /common/],
  ['lovelace-1815-x', /before the @/], ['My-LoveLace-key', /before the @/],
] as const) {
  policy(`refuses '${password.slice(0, 20)}'`, () => assert.match(passwordFault(password, 'Lovelace@example.com') ?? 'nothing', why));
}
policy('a local part of three characters may be in it by chance', () => {
  assert.is(passwordFault('ada-lantern-27-orbit', 'ada@example.com'), null);
});

const email = suite('e-mail addresses');
for (const [text, expected] of [
  ['Ada@Example.COM', 'ada@example.com'], ['a+b.c@example.co.uk', 'a+b.c@example.co.uk'], ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
  ["o'brien@example.com", "o'brien@example.com"], ["x'; DROP TABLE users; --@example.com", null],
  ['ada@example.com\r\nBcc: eve@example.com', null], ['ada\n@example.com', null], ['ada@example.com\0', null], ['ada@exa mple.com', null],
  ['аda@example.com', null], ['ada@exаmple.com', null], ['ａda@example.com', null], ['ada@example。com', null], ['\u212Ada@example.com', null], ['adı@example.com', null], ['ada\u200b@example.com', null], ['a\u0301da@example.com', null],
  ['ada@127.0.0.1', null], ['ada@example', null], ['ada@@example.com', null], ['ada@example.com.', null], ['.ada@example.com', null], ['"ada lovelace"@example.com', null], ['<ada@example.com>', null], ['ada@[127.0.0.1]', null],
  [`${'a'.repeat(65)}@example.com`, null], [`ada@${'a'.repeat(250)}.com`, null],
] as const) {
  email(`${JSON.stringify(text)} is ${expected ?? 'refused'}`, () => assert.is(normaliseEmail(text), expected));
}

const settings = suite('mail settings');
const faultOf = (environment: Record<string, string>): string => {
  try {
    loadConfig(environment);
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
};
settings('a wrong server or sender is named, and a password in it is not repeated', () => {
  for (const url of ['http://user:s3cr3t@host', 'smtp://', 'mail.example.com:587', 'smtp://user:s3cr3t@host/path', 'smtp://user:s3cr3t@host?x=1', 'smtp:// user:s3cr3t@host']) {
    const message = faultOf({ SMTP_URL: url });
    assert.match(message, /SMTP_URL must be/, url);
    assert.not.match(message, /s3cr3t/);
  }
  for (const from of ['nobody', 'a@b\r\nBcc: c@d.example', 'Portal a@b.example', 'Portal <a@b.example', 'Po\nrtal <a@b.example>']) assert.match(faultOf({ MAIL_FROM: from }), /MAIL_FROM must be/, from);
  assert.is(faultOf({ SMTP_URL: 'smtps://user:p%40ss@mail.example.com:465', MAIL_FROM: 'Portal <no-reply@example.com>' }), '');
  assert.is(faultOf({ SMTP_URL: 'smtp://[::1]:25', MAIL_FROM: 'no-reply@example.com' }), '');
});

const turnstile = suite('turnstile');
turnstile('lets so many in at once, so many wait, and turns the rest away', async () => {
  const gate = createTurnstile(2, 3, () => new Error('full'));
  const releases: (() => void)[] = [];
  let most = 0;
  let running = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, (running += 1));
    await new Promise<void>((resolve) => releases.push(resolve));
    running -= 1;
  };
  const passes = Array.from({ length: 8 }, () => gate.pass(work));
  const outcomes = Promise.allSettled(passes);
  for (let released = 0; released < 5; released += 1) {
    while (releases.length <= released) await new Promise((resolve) => setImmediate(resolve));
    releases[released]?.();
  }
  const states = (await outcomes).map(({ status }) => status);
  assert.equal(states, [...Array<string>(5).fill('fulfilled'), ...Array<string>(3).fill('rejected')]);
  assert.is(most, 2);
  assert.is(await gate.pass(() => Promise.resolve('again')), 'again');
});
turnstile('work that fails leaves its place', async () => {
  const gate = createTurnstile(1, 0, () => new Error('full'));
  for (let time = 0; time < 3; time += 1) {
    const message = await gate.pass(() => Promise.reject(new Error('broken'))).catch((error: unknown) => (error instanceof Error ? error.message : ''));
    assert.is(message, 'broken');
  }
});
