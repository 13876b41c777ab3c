/** What runs in a result page. It never holds the refresh token, which is in a cookie that scripts cannot read. */
export const RESULT_SCRIPT = `'use strict';
const main = document.querySelector('main');
const out = document.querySelector('output');
const form = document.querySelector('form');
const root = new URL(main.dataset.up || './', location.origin + location.pathname);
const failed = /^[a-z_]{1,64}$/.exec(new URLSearchParams(location.search).get('error') ?? '')?.[0]; // a code, so that no link puts words into the page
const json = { 'Content-Type': 'application/json' };
const ask = (path, options) => fetch(new URL(path, root), options);
const element = (name, text, attributes) => Object.assign(document.createElement(name), { textContent: text ?? '' }, attributes);

/** Of several pages one renews the session at a time: a refresh token that is sent twice ends it. */
const renew = () => {
  const work = () => ask('auth/refresh', { method: 'POST', credentials: 'same-origin' });
  return navigator.locks ? navigator.locks.request('sca-portal-refresh', work) : work();
};

async function show(token) {
  form.hidden = true;
  out.textContent = 'One moment ...';
  const headers = { Authorization: 'Bearer ' + token };
  const response = await ask(main.dataset.api, { headers });
  if (!response.ok) {
    const problem = await response.json();
    out.textContent = problem.detail ?? problem.title;
    if (main.dataset.scan) await explain(headers);
    return;
  }
  out.textContent = '';
  if ((response.headers.get('Content-Type') ?? '').startsWith('text/html')) {
    const frame = element('iframe', '', { title: document.title, srcdoc: await response.text() });
    frame.setAttribute('sandbox', 'allow-popups allow-popups-to-escape-sandbox');
    document.body.replaceChildren(frame);
    return;
  }
  main.classList.add('wide');
  const { items, total } = await response.json();
  if (total > items.length) main.append(rest(items.length, total));
  main.append(items.length === 0 ? element('p', 'There is nothing here.') : table(items));
}

/** How many there are in all, and where those are that the table has no room for: a request, not a link, since a browser would ask without the token. */
function rest(shown, total) {
  const next = new URL(main.dataset.api, root);
  next.searchParams.set('offset', shown);
  const line = element('p', 'These are the first ' + shown + ' of ' + total + '. The rest is in the API, a page at a time: ');
  line.append(element('code', 'GET ' + next.href), ' (see ', element('a', 'its documentation', { href: new URL('api/docs', root).href }), ').');
  return line;
}

/** Why a scan has no results. */
async function explain(headers) {
  const response = await ask(main.dataset.scan, { headers });
  if (!response.ok) return;
  const scan = await response.json();
  main.append(element('p', 'The scan is ' + scan.status + (scan.error ? ': ' + scan.error.message : scan.status === 'running' ? ' (' + scan.progress_percent + ' %).' : '.')));
}

function table(items) {
  const names = main.dataset.columns.split(' ');
  const row = (cell, values) => {
    const line = document.createElement('tr');
    line.append(...values.map((value) => {
      const made = element(cell);
      made.append(value ?? '');
      return made;
    }));
    return line;
  };
  const linked = (item, name) => (name === 'name' && main.dataset.link ? element('a', item.name, { href: new URL(main.dataset.link + item.id, root).href }) : item[name]);
  const made = document.createElement('table');
  made.append(row('th', names.map((name) => name.replaceAll('_', ' '))), ...items.map((item) => row('td', names.map((name) => linked(item, name)))));
  return made;
}

async function offerProviders() {
  const response = await ask('auth/oauth/providers');
  if (!response.ok) return;
  const { items } = await response.json();
  for (const { name } of items) {
    const href = new URL('auth/oauth/' + encodeURIComponent(name) + '/authorize?redirect_after=' + encodeURIComponent(location.pathname), root).href;
    const link = element('a', 'Log in with ' + name, { href });
    const line = document.createElement('p');
    line.append(link);
    form.append(line);
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  out.textContent = 'One moment ...';
  try {
    const body = JSON.stringify({ email: form.elements.email.value, password: form.elements.password.value });
    const response = await ask('auth/login', { method: 'POST', headers: json, body });
    const answer = await response.json();
    if (response.ok) await show(answer.access_token);
    else out.textContent = answer.detail ?? answer.title;
  } catch {
    out.textContent = 'The portal does not answer. Try again.';
  }
});

(async () => {
  const response = await renew();
  if (response.ok) await show((await response.json()).access_token);
  else {
    out.textContent = failed ? 'That log-in failed (' + failed.replaceAll('_', ' ') + '). Try again.' : '';
    form.hidden = false;
    await offerProviders();
  }
})().catch(() => { out.textContent = 'The portal does not answer. Try again.'; });
`;
