/**
 * The two pages that mails link to, for a portal without a dashboard in front of it: a form that sends the link's token and a password to the API. Addresses in
 * them are relative, so that they work under whatever path BASE_URL has. The token leaves the address bar at once and is in no log and no Referer.
 */
import type Koa from 'koa';
import { canonicalPath } from './paths.ts';

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

const STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 26rem; margin: 12vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; }
input, button { box-sizing: border-box; width: 100%; padding: 0.6rem 0.75rem; font: inherit; border: 1px solid #767676; border-radius: 0.4rem; }
button { border-color: #1a56b0; background: #1a56b0; color: #fff; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 3px solid #5b9bff; outline-offset: 2px; }
`;

const FILES: ReadonlyMap<string, { type: string; body: string }> = new Map([
  ['/verify-email', page({ title: 'Confirm your registration', label: 'The password that you chose when you registered', autocomplete: 'current-password', api: 'auth/verify-email', member: 'password', done: 'The account is made. You can log in now.' })],
  ['/reset-password', page({ title: 'Set a new password', label: 'New password, 12 characters or more', autocomplete: 'new-password', api: 'auth/reset-password', member: 'new_password', done: 'The password is set. You can log in now.' })],
  ['/account-page.css', { type: 'text/css; charset=utf-8', body: STYLE }],
  ['/account-page.js', { type: 'text/javascript; charset=utf-8', body: SCRIPT }],
]);

/** Answers GET and HEAD of the pages, with and without `/api` in front. */
export const accountPages: Koa.Middleware = async (ctx, next) => {
  const file = ctx.method === 'GET' || ctx.method === 'HEAD' ? FILES.get(canonicalPath(ctx.path)) : undefined;
  if (file === undefined) {
    await next();
    return;
  }
  ctx.set('Content-Security-Policy', CSP);
  ctx.type = file.type;
  ctx.body = file.body;
};

interface Page {
  title: string;
  label: string;
  autocomplete: string;
  /** Relative address of the operation. */
  api: string;
  /** Of its body: where the password goes. */
  member: string;
  done: string;
}

function page({ title, label, autocomplete, api, member, done }: Page): { type: string; body: string } {
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>SCA Portal: ${title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="account-page.css"></head>
<body><main><h1>${title}</h1>
<form data-api="${api}" data-member="${member}" data-done="${done}">
<p><label for="password">${label}</label><br><input id="password" name="password" type="password" maxlength="256" required autocomplete="${autocomplete}"></p>
<p><button>${title}</button></p>
</form>
<p><output></output></p>
<noscript><p>This page needs JavaScript. The mail says how to do without it.</p></noscript></main>
<script src="account-page.js"></script></body>
</html>
`;
  return { type: 'text/html; charset=utf-8', body };
}
