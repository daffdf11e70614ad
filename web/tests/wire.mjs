// A wire that can be read: stands between the people and the server on this machine, passes everything
// on unchanged and keeps a copy of every request and every answer.

import { once } from 'node:events';
import http from 'node:http';

/** @param {number} to the server's port */
export async function startWire(to) {
  const recorded = [];
  const wire = http.createServer((request, answer) => {
    const entry = {
      method: request.method, path: request.url, headers: request.headers, body: [], status: 0, answer: [],
    };
    recorded.push(entry);
    // Never answered, and never passed on: a network that is too slow.
    if (self.hold?.(request.method, request.url)) return;
    // Answered by what stands before the server, or by one that has too much to do.
    const away = self.away?.(request.method, request.url);
    if (away) {
      entry.status = away.status;
      request.resume();
      answer.writeHead(away.status, { 'content-type': away.type }).end(away.body);
      return;
    }
    const onward = http.request({
      // A line of its own: a kept one may lead to a server that was killed since.
      agent: false, host: '127.0.0.1', port: to, method: request.method, path: request.url, headers: request.headers,
    });
    request.on('data', (bytes) => entry.body.push(bytes));
    request.pipe(onward);
    onward.on('response', (given) => {
      entry.status = given.statusCode;
      entry.answerHeaders = given.headers;
      given.on('data', (bytes) => entry.answer.push(bytes));
      given.on('error', () => answer.destroy());
      // Obeyed, and cut before the answer arrives.
      if (self.lose?.(request.method, request.url)) {
        given.on('end', () => request.socket.destroy());
        return;
      }
      if (self.tamper) {
        given.on('end', () => {
          const changed = self.tamper(request.url, Buffer.concat(entry.answer), request.headers);
          const headers = { ...given.headers, 'content-length': changed.length };
          delete headers['transfer-encoding'];
          answer.writeHead(given.statusCode, headers).end(changed);
        });
        return;
      }
      answer.writeHead(given.statusCode, given.rawHeaders);
      given.pipe(answer);
    });
    // A server that is not there is a line that is cut.
    onward.on('error', () => request.socket.destroy());
    answer.on('close', () => onward.destroy());
  });
  wire.listen(0, '127.0.0.1');
  await once(wire, 'listening');
  const self = {
    /** Set to change answers: gets path, body and the request's headers, gives the body that arrives. */
    tamper: null,
    /** Set to lose answers, or to keep requests from the server: gets method and path. */
    lose: null,
    hold: null,
    /** Set to answer in the server's place: gets method and path, gives `{ status, type, body }` or nothing. */
    away: null,
    url: `http://localhost:${wire.address().port}`,
    /** Everything so far, as `{ method, path, headers, body, status, answer }`. */
    entries: () => recorded.map((entry) => ({
      ...entry, body: Buffer.concat(entry.body), answer: Buffer.concat(entry.answer),
    })),
    async end() {
      wire.close();
      wire.closeAllConnections();
    },
  };
  return self;
}

/** The sessions that were seen so far. */
export function sessions(stage) {
  return new Set(stage.wire.entries().map(({ headers }) => headers.authorization).filter(Boolean));
}

/** The session that was seen last, but for the `others`: a page that stands open asks now and then by itself. */
export function tokenOf(stage, others = new Set()) {
  const known = ({ headers: { authorization } }) => authorization && !others.has(authorization);
  return stage.wire.entries().findLast(known).headers.authorization;
}

/** The status of an answer to whoever shows this: 401 once its session is over. */
export async function statusFor(stage, authorization) {
  const path = '/v1/sync?statements_after=0&records_after=0&receipts_after=0';
  return (await fetch(stage.server.url + path, { headers: { authorization } })).status;
}
