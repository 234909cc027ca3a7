/**
 * What stands between the browser of somebody inside and a web page that wants to use it against us: requests
 * under somebody else's name are refused, and nothing changes without a header that a page of another site
 * cannot send.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import type { ConsoleSettings } from './config.ts';
import { isOwnHost } from './hosts.ts';

/** Required, with any value, for whatever changes something. */
export const CHANGE_HEADER = 'x-slidegate';

/** Security headers; the page may load nothing but its own files. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // The console speaks plain HTTP; a proxy that adds TLS adds this header too.
    strictTransportSecurity: false,
  });
}

/** Answers 421 to requests for another host: see `isOwnHost`. */
export function ownHostOnly({ host, names }: Pick<ConsoleSettings, 'host' | 'names'>): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    if (isOwnHost(request.headers.host, { host, names })) {
      next();
      return;
    }
    response.status(421).json({
      error: {
        code: 'CONSOLE_UNKNOWN_HOST',
        message:
          'Cannot answer under this host name: it must be localhost, an address or one of console.names',
      },
    });
  };
}

/** Answers 403 to changes without the header. Reading needs none. */
export function changesNeedHeader(request: Request, response: Response, next: NextFunction): void {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (reads || request.headers[CHANGE_HEADER] !== undefined) {
    next();
    return;
  }
  const message = 'Cannot change anything without the header X-Slidegate: 1';
  response.status(403).json({ error: { code: 'CONSOLE_HEADER_MISSING', message } });
}
