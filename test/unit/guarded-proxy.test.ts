/** The proxy through which programs reach registries: every connection is judged, by the addresses of that moment, and what comes through is counted. */
import * as assert from 'uvu/assert';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { AddressError, createAddressGuard } from '../../src/integrations/addresses.ts';
import { ProxyLimit, startGuardedProxy, type GuardedProxy } from '../../src/integrations/guarded-proxy.ts';
import { parseImage } from '../../src/integrations/image-reference.ts';
import { atEnd, suite } from '../support/suite.ts';

const seen: string[] = [];
const server = createServer((incoming, response) => {
  seen.push(`${incoming.method} ${incoming.url} ${incoming.headers.host} ${String(incoming.headers['proxy-authorization'])}`);
  response.end(incoming.url === '/large' ? Buffer.alloc(5000) : 'hello');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
atEnd(() => new Promise((resolve) => {
  server.close(resolve);
  server.closeAllConnections();
}));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
const HOST = 'registry.pinned.test';

async function withProxy(answers: readonly string[], work: (proxy: GuardedProxy) => Promise<void>, allowed = '127.0.0.1/32'): Promise<void> {
  let asked = 0;
  const proxy = await startGuardedProxy(createAddressGuard([allowed], () => Promise.resolve([{ address: answers[asked++] ?? '10.0.0.1', family: 4 }])), 4000);
  try {
    await work(proxy);
  } finally {
    await proxy.stop();
  }
}

/** What the proxy answers to a request of its own form. */
function ask(proxyUrl: string, method: string, path: string, withPassword = true): Promise<IncomingMessage> {
  const { hostname, port: proxyPort, username, password } = new URL(proxyUrl);
  const headers = withPassword ? { 'Proxy-Authorization': `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, Host: HOST } : { Host: HOST };
  return new Promise((resolve, reject) => {
    request({ host: hostname, port: proxyPort, method, path, headers, agent: false }).on('response', resolve).on('connect', (response, socket) => {
      socket.destroy();
      resolve(response);
    }).on('error', reject).end();
  });
}

/** Opens a tunnel and sends one request through it. */
function through(proxyUrl: string, path: string): Promise<string> {
  const url = new URL(proxyUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    let all = '';
    socket.write(`CONNECT ${HOST}:${port} HTTP/1.1\r\nHost: ${HOST}\r\nProxy-Authorization: Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}\r\n\r\n`);
    socket.once('data', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`));
    socket.on('data', (chunk) => { all += chunk.toString('latin1'); }).on('close', () => resolve(all)).on('error', reject);
  });
}

const proxies = suite('startGuardedProxy');
proxies('tunnels to the address that was judged, under the name that was asked for', () => withProxy(['127.0.0.1'], async (proxy) => {
  assert.match(await through(proxy.url, '/v2/'), /^HTTP\/1.1 200 Connection established\r\n\r\nHTTP\/1.1 200 OK[^]*hello/);
  assert.is(proxy.fault(), null);
}));
proxies('forwards plain requests, without what was meant for the proxy', () => withProxy(['127.0.0.1'], async (proxy) => {
  assert.is(await text(await ask(proxy.url, 'GET', `http://${HOST}:${port}/v2/x?y`)), 'hello');
  assert.is(seen.at(-1), `GET /v2/x?y ${HOST}:${port} undefined`);
}));
proxies('refuses private addresses, also of a name that changes its mind', () => withProxy(['127.0.0.1', '169.254.169.254', '169.254.169.254'], async (proxy) => {
  assert.match(await through(proxy.url, '/v2/'), /hello/);
  assert.is((await ask(proxy.url, 'CONNECT', `${HOST}:443`)).statusCode, 502);
  assert.is((await ask(proxy.url, 'GET', `http://${HOST}/latest/meta-data`)).statusCode, 502);
  for (const host of ['10.0.0.1', '[::1]', '0x7f.1', '2130706434', '[::ffff:10.0.0.1]', '[64:ff9b::a00:1]']) assert.is((await ask(proxy.url, 'CONNECT', `${host}:80`)).statusCode, 502, host);
  assert.ok(proxy.fault() instanceof AddressError);
}));
proxies('serves nobody without its password, and no other scheme', () => withProxy(['127.0.0.1', '127.0.0.1'], async (proxy) => {
  assert.is((await ask(proxy.url, 'CONNECT', `${HOST}:${port}`, false)).statusCode, 407);
  assert.is((await ask(proxy.url, 'GET', `http://${HOST}:${port}/`, false)).statusCode, 407);
  assert.is((await ask(proxy.url, 'GET', 'file:///etc/passwd')).statusCode, 407);
  assert.is((await ask(proxy.url, 'GET', '/metrics')).statusCode, 407);
}));
proxies('cuts what is larger than allowed', () => withProxy(['127.0.0.1'], async (proxy) => {
  assert.ok((await through(proxy.url, '/large')).length < 5000);
  assert.ok(proxy.fault() instanceof ProxyLimit);
}));
proxies('an address where nobody listens is an answer, and no fault of the guard', () => withProxy(['127.0.0.1'], async (proxy) => {
  assert.is((await ask(proxy.url, 'CONNECT', `${HOST}:1`)).statusCode, 502);
  assert.is(proxy.fault(), null);
}));

const references = suite('parseImage');
references('knows the host that is asked', () => {
  const hosts: [string, string][] = [
    ['alpine', 'index.docker.io'], ['library/alpine:3.20', 'index.docker.io'], ['docker.io/library/alpine', 'index.docker.io'], ['team/app/part', 'index.docker.io'], ['ghcr.io/a/b:c', 'ghcr.io'], ['localhost/a', 'localhost'], ['host:5000/a@sha256:' + '0'.repeat(64), 'host'],
    ['10.0.0.1/a', '10.0.0.1'], ['[::1]:5000/a', '::1'], ['Example.COM/a', 'Example.COM'], ['a.b/c__d/e-f.g:V1_x', 'a.b'],
  ];
  for (const [image, host] of hosts) assert.is(parseImage(image)?.host, host, image);
});
references('takes no options, paths, URLs and other shapes', () => {
  for (const bad of ['', '-v', '--input', '/a', './a', '../a', 'a/', 'a/../b', 'a b', 'a\nb', 'A', 'a:', 'a:-x', 'a@', 'a@sha256:0', 'http://a/b', 'oci:/a', 'a?b', 'a#b', 'a%2fb', 'ä', 'a'.repeat(256), '-a.b/c', 'a.b:x/c', 'a._b', 'a..b/../c']) assert.is(parseImage(bad), null, bad);
});
