/** What Lambda's runtime client has compiled from C++, without the compiling: it posts what functions return. */

import { request } from 'node:http'

/** Posts a function's result. */
export function done(id: string, body: string): void {
  post(`invocation/${id}/response`, body)
}

/** Posts a function's error. */
export function error(id: string, body: string): void {
  post(`invocation/${id}/error`, body)
}

function post(path: string, body: string): void {
  const url = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/${path}`
  request(url, { method: 'POST' }).end(body)
}
