/**
 * The two pages that mails about accounts link to, for a portal without a dashboard in front of it: a form that sends the link's token and a password to the API. The token leaves the address bar
 * at once and is in no log and no Referer.
 */
import { htmlPage, PAGE_STYLE, servePages, type PageFile } from './pages.ts';

const CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const SCRIPT = `'use strict';
const form = document.querySelector('form');
const out = document.querySelector('output');
const token = new URLSearchParams(location.search).get('token') ?? '';
history.replaceState(null, '', location.pathname);
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ token, [form.dataset.member]: form.elements.password.value });
  out.textContent = 'One moment ...';
  try {
    const response = await fetch(form.dataset.api, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    out.textContent = response.ok ? form.dataset.done : (await response.json()).detail;
    if (response.ok) form.hidden = true;
  } catch {
    out.textContent = 'The portal does not answer. Try again.';
  }
});
`;

const FILES: ReadonlyMap<string, PageFile> = new Map([
  ['/account-page.css', { type: 'text/css; charset=utf-8', body: PAGE_STYLE, csp: CSP }],
  ['/account-page.js', { type: 'text/javascript; charset=utf-8', body: SCRIPT, csp: CSP }],
]);
const PAGES: ReadonlyMap<string, Page> = new Map([
  ['/verify-email', { title: 'Confirm your registration', label: 'The password that you chose when you registered', autocomplete: 'current-password', api: 'auth/verify-email', member: 'password', done: 'The account is made. You can log in now.' }],
  ['/reset-password', { title: 'Set a new password', label: 'New password, 12 characters or more', autocomplete: 'new-password', api: 'auth/reset-password', member: 'new_password', done: 'The password is set. You can log in now.' }],
]);

export const accountPages = servePages((path, up) => {
  const page = PAGES.get(path);
  return page === undefined ? FILES.get(path) : pageOf(page, up);
});

interface Page {
  title: string;
  label: string;
  autocomplete: string;
  /** Address of the operation, from the portal's root. */
  api: string;
  /** Of its body: where the password goes. */
  member: string;
  done: string;
}

function pageOf({ title, label, autocomplete, api, member, done }: Page, up: string): PageFile {
  const main = `<h1>${title}</h1>
<form data-api="${up}${api}" data-member="${member}" data-done="${done}">
<p><label for="password">${label}</label><br><input id="password" name="password" type="password" maxlength="256" required autocomplete="${autocomplete}"></p>
<p><button>${title}</button></p>
</form>
<p><output></output></p>
<noscript><p>This page needs JavaScript. The mail says how to do without it.</p></noscript>`;
  return { type: 'text/html; charset=utf-8', body: htmlPage(title, main, 'account-page', up), csp: CSP };
}
